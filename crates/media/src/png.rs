//! PNG: one picture, exact, with the comment in an `iTXt` chunk.

use std::io::{BufRead, Cursor, Read, Seek, SeekFrom};

use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Reader, Transformations};
use serde_json::Value;

use image::metadata::Orientation;

use crate::{Clip, Error, Format, Result, error::Malformed, provenance, read::Contents, upright};

/// A keyword from the PNG specification, which viewers show.
const KEYWORD: &str = "Comment";

/// The most memory for what is said beside the pixels, such as text: a record, and what other programs add.
const MAX_SIDE_BYTES: usize = 16 * provenance::MAX_RECORD_BYTES;

/// The first frame of `clip`.
pub(crate) fn encode(clip: &Clip, provenance: Option<&Value>) -> Result<Vec<u8>> {
    let write = || -> std::result::Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, clip.width() as u32, clip.height() as u32);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        if let Some(provenance) = provenance {
            encoder.add_itxt_chunk(KEYWORD.into(), provenance::to_comment(provenance))?;
        }
        let mut writer = encoder.write_header()?;
        writer.write_image_data(clip.frame(0).unwrap_or_default())?;
        writer.finish()?;
        Ok(bytes)
    };
    write().map_err(Error::encoder(Format::Png))
}

/// Any PNG as RGB: palettes and grey are expanded, 16 bits cut to 8, transparency shown on black.
pub(crate) fn decode(bytes: &[u8]) -> std::result::Result<Clip, Malformed> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: Clip::MAX_BYTES });
    // Colour profiles and text are not looked at, and a few bytes can unpack to gigabytes of them.
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let size = reader
        .output_buffer_size()
        .filter(|&size| size <= Clip::MAX_BYTES)
        .ok_or_else(|| Malformed::new(format!("{width}x{height} is too large")))?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels)?;
    let rgb = to_rgb(&pixels[..info.buffer_size()], info.color_type);
    Ok(upright::still(orientation(&reader), width, height, rgb)?)
}

/// As the camera's notes say that it was held, if they come before the pixels.
fn orientation<R: BufRead + Seek>(reader: &Reader<R>) -> Orientation {
    let exif = reader.info().exif_metadata.as_deref();
    exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

fn to_rgb(pixels: &[u8], color_type: ColorType) -> Vec<u8> {
    let on_black = |value: u8, alpha: u8| ((u16::from(value) * u16::from(alpha) + 127) / 255) as u8;
    match color_type {
        ColorType::Grayscale => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        ColorType::GrayscaleAlpha => {
            pixels.chunks_exact(2).flat_map(|pixel| [on_black(pixel[0], pixel[1]); 3]).collect()
        }
        ColorType::Rgba => pixels
            .chunks_exact(4)
            .flat_map(|pixel| [0, 1, 2].map(|channel| on_black(pixel[channel], pixel[3])))
            .collect(),
        ColorType::Rgb | ColorType::Indexed => pixels.to_vec(),
    }
}

/// What [`decode`] would give, by what is said around the pixels alone, and the record.
pub(crate) fn summary(file: &mut (impl BufRead + Seek)) -> std::result::Result<Contents, Malformed> {
    let has_late_text = walk(file)?;
    file.rewind()?;
    let mut decoder = Decoder::new_with_limits(file, Limits { bytes: MAX_SIDE_BYTES });
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info()?;
    let size = (reader.info().width as usize, reader.info().height as usize);
    let size = upright::size(orientation(&reader), size);
    let mut provenance = record(&mut reader)?;
    if provenance.is_none() && has_late_text {
        // Pixels that do not decode are no concern here.
        let _ = reader.finish();
        provenance = record(&mut reader)?;
    }
    Ok(Contents { provenance, ..Contents::still(size) })
}

/// Goes over all chunks to the last, unread. Whether text follows the pixels, as some editors have it.
fn walk(file: &mut (impl Read + Seek)) -> std::result::Result<bool, Malformed> {
    /// Around a chunk's data: its length, its kind and its checksum.
    const FRAME: u64 = 12;
    let cut = || Malformed::new("its last chunk is missing; it may be cut short");
    let file_len = file.seek(SeekFrom::End(0))?;
    let (mut start, mut has_pixels, mut has_late_text) = (8, false, false);
    loop {
        file.seek(SeekFrom::Start(start))?;
        let mut header = [0; 8];
        file.read_exact(&mut header).map_err(|_| cut())?;
        let [a, b, c, d, kind @ ..] = header;
        match &kind {
            b"IEND" => return Ok(has_late_text),
            b"IDAT" => has_pixels = true,
            b"iTXt" | b"tEXt" => has_late_text |= has_pixels,
            _ => {}
        }
        start += u64::from(u32::from_be_bytes([a, b, c, d])) + FRAME;
        if start > file_len {
            return Err(cut());
        }
    }
}

/// The record among the texts so far. Packed texts unpack to no more than the longest record, all together.
fn record<R: BufRead + Seek>(reader: &mut Reader<R>) -> std::result::Result<Option<Value>, Malformed> {
    let mut room = provenance::MAX_RECORD_BYTES;
    let info = reader.info();
    for chunk in &info.uncompressed_latin1_text {
        if let Some(found) = provenance::from_comment(&chunk.text)? {
            return Ok(Some(found));
        }
    }
    for chunk in &info.utf8_text {
        let mut chunk = chunk.clone();
        if chunk.compressed && chunk.decompress_text_with_limit(room).is_err() {
            room = 0;
            continue;
        }
        let Ok(text) = chunk.get_text() else { continue };
        if chunk.compressed {
            room = room.saturating_sub(text.len());
        }
        if let Some(found) = provenance::from_comment(&text)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use png::text_metadata::ITXtChunk;
    use serde_json::json;

    use super::*;

    /// A picture with `text` before or after its pixels.
    fn png(text: &ITXtChunk, is_late: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        if is_late {
            writer.write_image_data(&[0; 6]).unwrap();
        }
        writer.write_text_chunk(text).unwrap();
        if !is_late {
            writer.write_image_data(&[0; 6]).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn a_record_is_found_where_other_programs_move_it() {
        let record = json!({ "prompt": "x".repeat(10_000) });
        let mut text = ITXtChunk::new("Other", provenance::to_comment(&record));
        for is_packed in [false, true] {
            if is_packed {
                text.compressed = true;
                text.compress_text().unwrap();
            }
            for is_late in [false, true] {
                let found = summary(&mut Cursor::new(png(&text, is_late))).unwrap();
                assert_eq!((found.shape.width, found.shape.height), (2, 1));
                assert_eq!(found.provenance.as_ref(), Some(&record));
            }
        }
    }

    #[test]
    fn a_picture_lies_as_the_camera_was_held() {
        let mut info = png::Info::with_size(3, 2);
        info.color_type = ColorType::Rgb;
        info.exif_metadata = Some(upright::exif(6).into());
        let mut bytes = Vec::new();
        let mut writer = Encoder::with_info(&mut bytes, info).unwrap().write_header().unwrap();
        writer.write_image_data(&[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6]).unwrap();
        writer.finish().unwrap();
        let clip = decode(&bytes).unwrap();
        let pixels: Vec<u8> = clip.as_bytes().iter().copied().step_by(3).collect();
        assert_eq!((clip.width(), clip.height(), pixels), (2, 3, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(summary(&mut Cursor::new(bytes)).unwrap().shape, clip.shape());
    }

    #[test]
    fn a_picture_without_its_last_chunk_is_cut_short() {
        let bytes = png(&ITXtChunk::new("Comment", "x"), false);
        for length in 8..bytes.len() - 8 {
            assert!(summary(&mut Cursor::new(&bytes[..length])).is_err(), "{length}");
        }
    }
}
