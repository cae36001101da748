//! A producer that says whatever it likes: messages whose names are no text and whose headers have no bottom. No
//! client library publishes such, and the broker takes them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rabbitmq::PORT;

/// A short text of the protocol, or what looks like one.
pub(crate) fn short(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()][..], text].concat()
}

/// A long text, or a table.
pub(crate) fn long(inside: &[u8]) -> Vec<u8> {
    [&u32::try_from(inside.len()).unwrap().to_be_bytes()[..], inside].concat()
}

fn frame(kind: u8, channel: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0, channel][..], &long(payload), &[0xce]].concat()
}

fn method(channel: u8, class: u8, method: u8, arguments: &[u8]) -> Vec<u8> {
    frame(1, channel, &[&[0, class, 0, method][..], arguments].concat())
}

async fn heard(broker: &mut TcpStream) {
    let mut head = [0; 7];
    broker.read_exact(&mut head).await.unwrap();
    let size = u32::from_be_bytes(head[3..].try_into().unwrap()) as usize;
    broker.read_exact(&mut vec![0; size + 1]).await.unwrap();
}

/// A message in `queue` with these properties, as their flags and their bytes.
pub(crate) async fn publish(queue: &str, flags: u16, properties: &[u8], body: &[u8]) {
    let mut broker = TcpStream::connect(("127.0.0.1", PORT)).await.unwrap();
    broker.write_all(b"AMQP\0\0\x09\x01").await.unwrap();
    heard(&mut broker).await;
    let login = [long(b""), short(b"PLAIN"), long(b"\0guest\0guest"), short(b"en_US")].concat();
    broker.write_all(&method(0, 10, 11, &login)).await.unwrap();
    heard(&mut broker).await;
    broker.write_all(&method(0, 10, 31, &[0, 9, 0, 2, 0, 0, 0, 0])).await.unwrap();
    broker.write_all(&method(0, 10, 40, &[short(b"/"), vec![0, 0]].concat())).await.unwrap();
    heard(&mut broker).await;
    broker.write_all(&method(1, 20, 10, &[0])).await.unwrap();
    heard(&mut broker).await;
    let to = [vec![0, 0], short(b""), short(queue.as_bytes()), vec![0]].concat();
    broker.write_all(&method(1, 60, 40, &to)).await.unwrap();
    let size = (body.len() as u64).to_be_bytes();
    let header = [&[0, 60, 0, 0][..], &size, &flags.to_be_bytes(), properties].concat();
    broker.write_all(&frame(2, 1, &header)).await.unwrap();
    broker.write_all(&frame(3, 1, body)).await.unwrap();
    // Answered once everything before it was taken.
    broker.write_all(&method(0, 10, 50, &[0, 200, 0, 0, 0, 0, 0])).await.unwrap();
    heard(&mut broker).await;
}
