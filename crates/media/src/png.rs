//! PNG: one picture, exact, with the comment in an `iTXt` chunk.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};
use serde_json::Value;

use crate::{Clip, Error, Format, Result, error::Malformed, provenance};

/// A keyword from the PNG specification, which viewers show.
const KEYWORD: &str = "Comment";

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
    Ok(Clip::still(width, height, rgb)?)
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

/// The text chunks, before and after the pixels.
pub(crate) fn comments(bytes: &[u8]) -> std::result::Result<Vec<String>, Malformed> {
    let mut reader =
        Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: Clip::MAX_BYTES }).read_info()?;
    // Some editors move text behind the pixels; pixels that do not decode are no concern here.
    let _ = reader.finish();
    let info = reader.info();
    let international = info.utf8_text.iter().filter_map(|chunk| chunk.get_text().ok());
    let latin = info.uncompressed_latin1_text.iter().map(|chunk| chunk.text.clone());
    Ok(international.chain(latin).collect())
}
