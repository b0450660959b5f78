//! What a file is, by its first bytes.

use crate::Format;

/// What a file's first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sniffed {
    /// It may be read.
    Known(Content),
    /// A picture of a kind that people have and nothing here reads, to be named.
    Picture(&'static str),
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content {
    /// By this crate.
    Own(Format),
    /// Through ffmpeg.
    Container(Container),
}

/// A container of video that only ffmpeg reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Container {
    pub name: &'static str,
    /// What ffmpeg calls it. A file that looks like one thing is then not taken for another, such as a list of files.
    pub demuxer: &'static str,
}

/// MP4 and MOV, for what is in them that is not read here.
pub(crate) const MP4: Container = Container { name: "MP4", demuxer: "mov" };

/// How many bytes [`sniff`] looks at: three packets of a transport stream.
pub(crate) const SNIFFED_BYTES: u64 = 4 + 3 * 192;

/// By a file's first bytes, at most [`SNIFFED_BYTES`].
pub(crate) fn sniff(start: &[u8]) -> Option<Sniffed> {
    let own = |format| Some(Sniffed::Known(Content::Own(format)));
    let container = |name, demuxer| Some(Sniffed::Known(Content::Container(Container { name, demuxer })));
    let picture = |name| Some(Sniffed::Picture(name));
    match start {
        [0x89, b'P', b'N', b'G', ..] => own(Format::Png),
        [b'G', b'I', b'F', b'8', ..] => own(Format::Gif),
        [0xff, 0xd8, 0xff, ..] => own(Format::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, kind @ ..] if kind.starts_with(b"WEBP") => own(Format::WebP),
        [b'R', b'I', b'F', b'F', _, _, _, _, kind @ ..] if kind.starts_with(b"AVI ") => {
            container("AVI", "avi")
        }
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'h', b'e', b'i' | b'v', b'c' | b'x' | b'm' | b's', ..] | [b'm', b'i', b'f', b'1', ..] => {
                picture("a HEIC picture")
            }
            [b'a', b'v', b'i', b'f' | b's', ..] => picture("an AVIF picture"),
            _ => own(Format::Mp4),
        },
        // A MOV of an older kind, or an MP4 that begins with no word of what it is.
        [_, _, _, _, kind @ ..]
            if [b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot"]
                .iter()
                .any(|name| kind.starts_with(*name)) =>
        {
            own(Format::Mp4)
        }
        [0x1a, 0x45, 0xdf, 0xa3, ..] => container("WebM or MKV", "matroska"),
        [b'F', b'L', b'V', 1, ..] => container("FLV", "flv"),
        [b'O', b'g', b'g', b'S', ..] => container("Ogg", "ogg"),
        [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] => container("WMV", "asf"),
        [0, 0, 1, 0xba, ..] => container("MPEG program stream", "mpeg"),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => picture("a BMP picture"),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => picture("a TIFF picture"),
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => picture("a JPEG XL picture"),
        _ if is_transport_stream(start) => container("MPEG transport stream", "mpegts"),
        _ => None,
    }
}

/// Packets of 188 bytes, or of 192 with a time before each, that begin with the same byte.
fn is_transport_stream(start: &[u8]) -> bool {
    const SYNC: Option<&u8> = Some(&0x47);
    let has = |first: usize, packet: usize| (0..3).all(|index| start.get(first + index * packet) == SYNC);
    has(0, 188) || has(4, 192)
}

/// What `container`'s pictures are coded with, if that can be seen in its first bytes: for a message, no more.
pub(crate) fn codec(container: Container, start: &[u8]) -> Option<String> {
    let (mark, skipped): (&[u8], usize) = match container.demuxer {
        // The element CodecID, the length of its text, and the text.
        "matroska" => (b"V_", 0),
        // The type of a stream, and the name of who decodes it.
        "avi" => (b"vids", 4),
        _ => return None,
    };
    let at = start.windows(mark.len()).position(|bytes| bytes == mark)?;
    let name = start.get(at + skipped..)?;
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_/".contains(byte);
    let len = match container.demuxer {
        "matroska" => (*start.get(at.checked_sub(1)?)? & 0x7f).into(),
        _ => 4,
    };
    let name: Vec<u8> = name.iter().copied().take(len).take_while(|byte| is_of_name(byte)).collect();
    String::from_utf8(name).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_by_its_first_bytes() {
        let transport = |first: usize, packet: usize| {
            let mut bytes = vec![0; 600];
            (0..3).for_each(|index| bytes[first + index * packet] = 0x47);
            bytes
        };
        let own = |format| Some(Sniffed::Known(Content::Own(format)));
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n"), own(Format::Png));
        assert_eq!(sniff(b"\xff\xd8\xff\xe1"), own(Format::Jpeg));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), own(Format::WebP));
        for start in [&b"\0\0\0\x20ftypisom"[..], b"\0\0\0\x14ftypqt  ", b"\0\0\0\x08wide", b"\0\0\x10\0moov"]
        {
            assert_eq!(sniff(start), own(Format::Mp4));
        }
        for (start, name) in [
            (&b"\x1a\x45\xdf\xa3"[..], "WebM or MKV"),
            (b"RIFF\0\0\0\0AVI LIST", "AVI"),
            (b"FLV\x01", "FLV"),
            (&transport(0, 188), "MPEG transport stream"),
            (&transport(4, 192), "MPEG transport stream"),
        ] {
            assert!(
                matches!(sniff(start), Some(Sniffed::Known(Content::Container(found))) if found.name == name),
                "{name}"
            );
        }
        for (start, name) in [
            (&b"\0\0\0\x18ftypheic"[..], "a HEIC picture"),
            (b"\0\0\0\x18ftypmif1", "a HEIC picture"),
            (b"\0\0\0\x18ftypavif", "an AVIF picture"),
            (b"BM\x36\x24\0\0\0\0\0\0", "a BMP picture"),
        ] {
            assert_eq!(sniff(start), Some(Sniffed::Picture(name)));
        }
        for start in [&b""[..], b"hello", b"\x89PN", b"RIFF....WAVE", &[0x47; 100], b"BMW is a car"] {
            assert_eq!(sniff(start), None);
        }
    }

    #[test]
    fn the_codec_of_a_container_is_seen_where_it_is_written() {
        let webm = b"\x1a\x45\xdf\xa3..\x86\x85V_VP9\x83\x81\x01";
        let Some(Sniffed::Known(Content::Container(container))) = sniff(webm) else { panic!() };
        assert_eq!(codec(container, webm).as_deref(), Some("V_VP9"));
        let avi = b"RIFF\0\0\0\0AVI LIST....strh\0\0\0\0vidsXVID";
        let Some(Sniffed::Known(Content::Container(container))) = sniff(avi) else { panic!() };
        assert_eq!(codec(container, avi).as_deref(), Some("XVID"));
        assert_eq!(codec(container, b"RIFF....AVI vids"), None);
        assert_eq!(codec(MP4, b"vids"), None);
    }
}
