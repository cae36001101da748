//! The broker's side of a login: `SaslHandshake` and `SaslAuthenticate`, with PLAIN (RFC 4616) and
//! SCRAM (RFC 5802).

use std::io::{self, ErrorKind};
use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Who is let in, and how they have to show that it is them.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) mechanism: &'static str,
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
}

const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const SASL_AUTHENTICATE: i16 = 36;
const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
const ILLEGAL_SASL_STATE: i16 = 34;
const SASL_AUTHENTICATION_FAILED: i16 = 58;
/// Few: this is a test.
const ITERATIONS: u32 = 4_096;
const SALT: &[u8] = b"salt of the sea";
const NONCE: &str = "harbour";

/// Talks to the client until it is let in (`true`) or refused. What a client may ask before it has
/// logged in is asked of the broker.
pub(super) async fn admit(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    broker: &mut TcpStream,
    login: &Login,
) -> io::Result<bool> {
    let mut exchange = Exchange { login, scram: None };
    loop {
        let request = frame(client).await?;
        let mut fields = Fields(&request);
        let (key, version, id) = (fields.i16()?, fields.i16()?, fields.i32()?);
        fields.string()?;
        match key {
            API_VERSIONS => {
                send(broker, &request).await?;
                let answer = frame(broker).await?;
                send(client, &answer).await?;
            }
            SASL_HANDSHAKE => {
                let known = fields.string()? == login.mechanism.as_bytes();
                let mut answer = id.to_be_bytes().to_vec();
                answer.extend(if known { 0 } else { UNSUPPORTED_SASL_MECHANISM }.to_be_bytes());
                answer.extend(1_i32.to_be_bytes());
                put(&mut answer, login.mechanism);
                send(client, &answer).await?;
            }
            SASL_AUTHENTICATE => {
                let verdict = exchange.step(fields.bytes()?);
                let mut answer = id.to_be_bytes().to_vec();
                let (error, said) = match &verdict {
                    Ok(step) => (0, step.said.as_bytes()),
                    Err(error) => (*error, &b""[..]),
                };
                answer.extend(error.to_be_bytes());
                if error == 0 {
                    answer.extend((-1_i16).to_be_bytes());
                } else {
                    put(&mut answer, "Authentication failed: Invalid username or password");
                }
                answer.extend(i32::try_from(said.len()).map_err(io::Error::other)?.to_be_bytes());
                answer.extend(said);
                if version >= 1 {
                    answer.extend(0_i64.to_be_bytes());
                }
                send(client, &answer).await?;
                match verdict {
                    Ok(Step { done: false, .. }) => {}
                    Ok(Step { done: true, .. }) => return Ok(true),
                    Err(_) => return Ok(false),
                }
            }
            _ => return Ok(false),
        }
    }
}

struct Step {
    said: String,
    done: bool,
}

struct Exchange<'a> {
    login: &'a Login,
    /// What was said so far, without the channel binding in front, and the nonce of both.
    scram: Option<(String, String)>,
}

impl Exchange<'_> {
    fn step(&mut self, said: &[u8]) -> Result<Step, i16> {
        let Login { mechanism, username, password } = self.login;
        if *mechanism == "PLAIN" {
            let right = said == format!("\0{username}\0{password}").as_bytes();
            return right.then(|| Step { said: String::new(), done: true }).ok_or(SASL_AUTHENTICATION_FAILED);
        }
        let said = std::str::from_utf8(said).map_err(|_| ILLEGAL_SASL_STATE)?;
        match self.scram.take() {
            None => self.challenge(said),
            Some((so_far, nonce)) => self.verdict(said, &so_far, &nonce),
        }
    }

    fn challenge(&mut self, said: &str) -> Result<Step, i16> {
        let bare = said.strip_prefix("n,,").ok_or(ILLEGAL_SASL_STATE)?;
        let nonce = format!("{}{NONCE}", attribute(bare, "r=")?);
        let answer = format!("r={nonce},s={},i={ITERATIONS}", BASE64_STANDARD.encode(SALT));
        // Who is unknown is told so at the end, like everybody else.
        self.scram = Some((format!("{bare},{answer}"), nonce));
        Ok(Step { said: answer, done: false })
    }

    fn verdict(&self, said: &str, so_far: &str, nonce: &str) -> Result<Step, i16> {
        let (without_proof, proof) = said.rsplit_once(",p=").ok_or(ILLEGAL_SASL_STATE)?;
        let proof = BASE64_STANDARD.decode(proof).map_err(|_| ILLEGAL_SASL_STATE)?;
        let keys = Keys::of(self.login);
        let everything = format!("{so_far},{without_proof}");
        let signature = hmac::sign(&keys.stored, everything.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let right = client_key == keys.client
            && attribute(without_proof, "r=")? == nonce
            && attribute(so_far, "n=")? == self.login.username;
        if !right {
            return Err(SASL_AUTHENTICATION_FAILED);
        }
        let signature = hmac::sign(&keys.server, everything.as_bytes());
        Ok(Step { said: format!("v={}", BASE64_STANDARD.encode(signature.as_ref())), done: true })
    }
}

struct Keys {
    client: Vec<u8>,
    stored: hmac::Key,
    server: hmac::Key,
}

impl Keys {
    fn of(login: &Login) -> Self {
        let (stretch, sign, hash) = match login.mechanism {
            "SCRAM-SHA-256" => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256),
            "SCRAM-SHA-512" => (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512),
            other => panic!("no mechanism {other}"),
        };
        let mut salted = vec![0; hash.output_len];
        let iterations = NonZeroU32::new(ITERATIONS).unwrap();
        pbkdf2::derive(stretch, iterations, SALT, login.password.as_bytes(), &mut salted);
        let salted = hmac::Key::new(sign, &salted);
        let client = hmac::sign(&salted, b"Client Key").as_ref().to_vec();
        let stored = hmac::Key::new(sign, digest::digest(hash, &client).as_ref());
        let server = hmac::Key::new(sign, hmac::sign(&salted, b"Server Key").as_ref());
        Self { client, stored, server }
    }
}

fn attribute<'a>(said: &'a str, name: &str) -> Result<&'a str, i16> {
    said.split(',').find_map(|part| part.strip_prefix(name)).ok_or(ILLEGAL_SASL_STATE)
}

/// The fields of a request, taken from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(taken)
    }

    fn i16(&mut self) -> io::Result<i16> {
        Ok(i16::from_be_bytes(self.take(2)?.try_into().map_err(io::Error::other)?))
    }

    fn i32(&mut self) -> io::Result<i32> {
        Ok(i32::from_be_bytes(self.take(4)?.try_into().map_err(io::Error::other)?))
    }

    fn string(&mut self) -> io::Result<&'a [u8]> {
        let length = self.i16()?;
        self.take(usize::try_from(length).unwrap_or(0))
    }

    fn bytes(&mut self) -> io::Result<&'a [u8]> {
        let length = self.i32()?;
        self.take(usize::try_from(length).unwrap_or(0))
    }
}

fn put(answer: &mut Vec<u8>, text: &str) {
    answer.extend(i16::try_from(text.len()).unwrap().to_be_bytes());
    answer.extend(text.as_bytes());
}

async fn frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = usize::try_from(from.read_i32().await?).map_err(io::Error::other)?;
    let mut frame = vec![0; length];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

async fn send(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    to.write_i32(i32::try_from(frame.len()).map_err(io::Error::other)?).await?;
    to.write_all(frame).await?;
    to.flush().await
}
