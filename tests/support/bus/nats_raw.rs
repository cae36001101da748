//! A producer that writes headers as it likes. Client libraries refuse some of them, and the server takes them all.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

/// Once the stream has it.
pub(crate) async fn publish(port: u16, subject: &str, headers: &[(String, Vec<u8>)], payload: &[u8]) {
    let mut block = b"NATS/1.0\r\n".to_vec();
    for (name, value) in headers {
        block.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    block.extend(b"\r\n");
    publish_under(port, subject, &block, payload).await;
}

/// The same, with whatever stands for headers.
pub(crate) async fn publish_under(port: u16, subject: &str, block: &[u8], payload: &[u8]) {
    let mut server = BufStream::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    let inbox = format!("_INBOX.{:016x}", fastrand::u64(..));
    let sizes = format!("{} {}", block.len(), block.len() + payload.len());
    let connect = "CONNECT {\"headers\":true,\"verbose\":false,\"pedantic\":false,\"no_responders\":true}";
    let begun = format!("{connect}\r\nSUB {inbox} 1\r\nHPUB {subject} {inbox} {sizes}\r\n");
    server.write_all(begun.as_bytes()).await.unwrap();
    server.write_all(&[block, payload, b"\r\n"].concat()).await.unwrap();
    server.flush().await.unwrap();
    // What the stream answers names itself and the message's number.
    loop {
        let mut line = Vec::new();
        assert_ne!(server.read_until(b'\n', &mut line).await.unwrap(), 0, "the server went away");
        let line = String::from_utf8_lossy(&line);
        assert!(!line.starts_with("-ERR") && !line.contains("\"error\""), "{line}");
        if line.starts_with('{') && line.contains("\"seq\"") {
            return;
        }
    }
}
