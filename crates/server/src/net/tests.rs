use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use super::*;

/// Answers each of `count` connections with the same bytes.
fn answering(count: usize, answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().take(count) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

fn picture() -> SocketAddr {
    answering(1, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello".into())
}

#[test]
fn nothing_within_is_fetched() {
    let net = Net::new(false);
    let inside = picture();
    for url in [
        format!("http://{inside}/a.png"),
        format!("http://localhost:{}/a.png", inside.port()),
        format!("http://[::ffff:127.0.0.1]:{}/a.png", inside.port()),
        // 127.0.0.1, as one number and short.
        format!("http://2130706433:{}/a.png", inside.port()),
        format!("http://127.1:{}/a.png", inside.port()),
        "http://169.254.169.254/latest/meta-data".into(),
    ] {
        let error = net.get(&url, 100).unwrap_err();
        assert!(error.contains("not on the internet") || error.contains("resolve"), "{url}: {error}");
    }
    for url in ["file:///etc/passwd", "ftp://a/b", "http://", "//a/b", "", "gopher://a"] {
        assert!(net.get(url, 100).is_err(), "{url}");
    }
}

#[test]
fn a_redirect_does_not_lead_within() {
    let inside = picture();
    let answer = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{inside}/a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let outside = answering(1, answer);
    let net = Net { pictures: agent(Guard::PublicAnd(outside), REDIRECTS), ..Net::new(false) };
    let error = net.get(&format!("http://{outside}/"), 100).unwrap_err();
    assert!(error.contains("not on the internet"), "{error}");
    let allowed = picture();
    let net = Net { pictures: agent(Guard::PublicAnd(allowed), REDIRECTS), ..Net::new(false) };
    assert_eq!(net.get(&format!("http://{allowed}/"), 100).unwrap(), b"hello");
}

#[test]
fn no_more_is_read_than_was_asked_for() {
    let large = picture();
    let net = Net { pictures: agent(Guard::PublicAnd(large), REDIRECTS), ..Net::new(false) };
    assert!(net.get(&format!("http://{large}/"), 4).is_err());
}

#[test]
fn webhooks_do_not_lead_within_unless_they_may() {
    let net = Net::new(false);
    for url in [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://10.0.0.1/a",
        "http://example.com/",
    ] {
        assert!(net.check_webhook(url).is_err(), "{url}");
    }
    net.check_webhook("https://example.com/hook").unwrap();
    let open = Net::new(true);
    open.check_webhook("http://127.0.0.1:9/").unwrap();
    assert_eq!(open.post(&format!("http://{}/", picture()), &[], "{}"), Ok(200));
    assert!(net.post("https://127.0.0.1:9/", &[], "{}").is_err());
}
