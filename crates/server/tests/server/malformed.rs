//! Requests that no client would send. None of them may bring down more than itself.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::bench::{Bench, clip, picture, with_keys};

/// Numbers that only look random, and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.roll(of.len())]
    }

    /// Changes some bytes.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.roll(6) {
            if bytes.is_empty() {
                return;
            }
            let at = self.roll(bytes.len());
            match self.roll(4) {
                0 => bytes[at] = self.roll(256) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ => bytes.insert(at, self.roll(256) as u8),
            }
        }
    }
}

const PATHS: [&str; 24] = [
    "/v1/videos",
    "/v1/videos",
    "/v1/videos",
    "/v1/videos/edits",
    "/v1/videos/edits",
    "/v1/videos/extensions",
    "/v1/videos/characters",
    "/v1/videos/../../etc/passwd",
    "/v1/videos/%2e%2e%2f%2e%2e",
    "/v1/videos/video_1/remix",
    "/v1/videos/video_00000000000000000000000000000000/content",
    "/v1/videos/video_%00/events",
    "/v1/videos?limit=99999999999",
    "/v1/videos?after=%ff&order=asc",
    "/v1/images/generations",
    "/v1/links/image_x?expires=9&signature=a",
    "/v1/models/%F0%9F%98%80",
    "/v1/webhook_endpoints",
    "/v1/webhook_endpoints/we_1/test",
    "/v1/webhook_endpoints/we_1/rotate_secret",
    "/v1/content_provenance_checks",
    "/v1/content_provenance_checks",
    "/",
    "/v1/videos/video_1/cancel",
];

const VALUES: [&str; 22] = [
    "\"\"",
    "null",
    "5",
    "-1",
    "1e308",
    "1e400",
    "true",
    "[]",
    "{}",
    "[[[[[[]]]]]]",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"4\"",
    "\"0x0\"",
    "\"99999x99999\"",
    "18446744073709551616",
    "{\"id\":\"../../x\"}",
    "{\"image_url\":\"data:;base64,AAAA\"}",
    "[{\"id\":null}]",
    "\"NaN\"",
    "{\"image_url\":\"file:///etc/passwd\"}",
    "[{\"at\":\"end\",\"image_url\":\"data:image/gif;base64,R0lGODlh\"}]",
];

const KEYS: [&str; 26] = [
    "prompt",
    "prompt",
    "model",
    "seconds",
    "size",
    "input_reference",
    "input_reference[image_url]",
    "characters",
    "characters[][id]",
    "video",
    "video[id]",
    "name",
    "seed",
    "fps",
    "num_frames",
    "width",
    "height",
    "loop",
    "strict",
    "regions",
    "spans",
    "known",
    "a[",
    "[]",
    "url",
    "event_types",
];

fn request(dice: &mut Dice, files: &[Vec<u8>]) -> Vec<u8> {
    let method = dice.one(&["POST", "POST", "POST", "GET", "DELETE", "HEAD", "PATCH", "OPTIONS", "BREW"]);
    let path = PATHS[dice.roll(PATHS.len())];
    let (mut body, kind) = match dice.roll(3) {
        0 => {
            let fields: Vec<_> =
                (0..dice.roll(6)).map(|_| format!("\"{}\":{}", dice.one(&KEYS), dice.one(&VALUES))).collect();
            (format!("{{{}}}", fields.join(",")).into_bytes(), "application/json")
        }
        1 => {
            let mut body = Vec::new();
            for _ in 0..dice.roll(6) {
                let key = dice.one(&KEYS);
                let is_file = dice.roll(3) == 0;
                let head = if is_file {
                    "; filename=\"upload\"\r\nContent-Type: application/octet-stream"
                } else {
                    ""
                };
                body.extend(
                    format!("--b\r\nContent-Disposition: form-data; name=\"{key}\"{head}\r\n\r\n").bytes(),
                );
                if is_file {
                    let mut file = files[dice.roll(files.len())].clone();
                    dice.spoil(&mut file);
                    body.extend(file);
                } else {
                    body.extend(dice.one(&VALUES).bytes());
                }
                body.extend(b"\r\n");
            }
            body.extend(b"--b--\r\n");
            (body, "multipart/form-data; boundary=b")
        }
        _ => (
            (0..dice.roll(200)).map(|_| dice.roll(256) as u8).collect(),
            dice.one(&["", "text/html", "a/b; c", "multipart/form-data"]),
        ),
    };
    if dice.roll(2) == 0 {
        dice.spoil(&mut body);
    }
    let length = match dice.roll(12) {
        0 => "18446744073709551615".to_owned(),
        1 => "-5".to_owned(),
        2 => (body.len() + 50).to_string(),
        _ => body.len().to_string(),
    };
    let extra = dice.one(&[
        "",
        "",
        "",
        "Range: bytes=9-1\r\n",
        "Host: evil.example\r\n",
        "X-Stainless-Retry-Count: -1\r\n",
        "Expect: 100-continue\r\n",
    ]);
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{extra}Connection: close\r\n\r\n"
    )
    .into_bytes();
    if dice.roll(10) == 0 {
        dice.spoil(&mut head);
    }
    head.extend(body);
    head
}

#[test]
fn five_hundred_requests_that_make_no_sense() {
    let bench = Bench::with(|settings| {
        settings.max_pixels = 1 << 16;
        settings.max_decoded_mib = 8;
        settings.queue_length = 1000;
        settings.jobs_per_key = 1000;
    });
    let address = bench.base.strip_prefix("http://").unwrap();
    let files = [
        picture(32, 32),
        clip(32, 32, 3),
        b"GIF89a".to_vec(),
        b"RIFF\xff\xff\xff\xffWEBPVP8 ".to_vec(),
        Vec::new(),
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut counts = std::collections::BTreeMap::<u16, usize>::new();
    for index in 0..500 {
        let request = request(&mut dice, &files);
        let shown = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // The server may have refused it before its end.
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        // What is no HTTP, or is cut short, may be hung up on.
        let Some(status) = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()) else {
            continue;
        };
        assert!(status < 500, "{index}: {answer}\n{shown}");
        if status >= 400 && answer.contains("content-type: application/json") && !shown.starts_with("HEAD") {
            let body = answer.split_once("\r\n\r\n").unwrap().1;
            for key in ["message", "type", "param", "code"] {
                assert!(body.contains(&format!("\"{key}\":")), "{index}: {answer}");
            }
        }
        *counts.entry(status).or_default() += 1;
    }
    assert!(counts[&400] > 50 && counts.values().sum::<usize>() > 300, "{counts:?}");
    bench.make("and it still works");
}

#[test]
fn who_is_slow_is_not_waited_for() {
    let bench = Bench::with(|settings| settings.header_seconds = 1);
    let address = bench.base.strip_prefix("http://").unwrap();
    for begun in [
        "POST /v1/videos HTTP/1.1\r\nHo",
        "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"a\"",
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // It ends, with an answer or without.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    bench.make("and it still works");
}

#[test]
fn who_takes_nothing_of_an_answer_is_not_waited_for() {
    let bench = Bench::with(|settings| {
        settings.connections = 2;
        settings.answer_seconds = 1;
    });
    let address = bench.base.strip_prefix("http://").unwrap();
    // More answers than the system keeps for somebody who does not read.
    let wish = b"GET /strings.js HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5000);
    let deaf: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            // It is not read to its end either.
            let _ = stream.write_all(&wish);
            stream
        })
        .collect();
    bench.make("a ball");
    drop(deaf);
}

#[test]
fn what_is_counted_does_not_grow_with_what_strangers_say() {
    let bench = with_keys();
    let address = bench.base.strip_prefix("http://").unwrap();
    for index in 0..20 {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "X{index} /v1/videos HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let numbers = bench.with("authorization", "Bearer sk-alice").get("/metrics").body;
    let numbers = String::from_utf8(numbers).unwrap();
    assert!(numbers.contains("method=\"other\"") && !numbers.contains("X1"), "{numbers}");
}

#[test]
fn many_who_say_nothing_do_not_keep_others_out_for_ever() {
    let bench = Bench::with(|settings| {
        settings.connections = 4;
        settings.header_seconds = 1;
    });
    let address = bench.base.strip_prefix("http://").unwrap();
    let silent: Vec<_> = (0..16).map(|_| TcpStream::connect(address).unwrap()).collect();
    bench.make("a ball");
    drop(silent);
}
