//! What stands before the values in a safetensors file.

use std::collections::HashMap;

use safetensors::{
    SafeTensorError,
    tensor::{Metadata, TensorInfo},
};

/// Bytes on whose multiples values begin.
const ALIGNMENT: usize = 8;

/// The header of a file of `tensors` whose values follow one behind the other in this order, with the length that it
/// begins with. For files that are written piece by piece; [`save`](super::save) writes a model.
///
/// # Errors
/// Tensors whose places do not follow each other, or do not fit their shapes.
pub fn header(
    tensors: Vec<(String, TensorInfo)>,
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, SafeTensorError> {
    let mut json = serde_json::to_vec(&Metadata::new(metadata, tensors)?)?;
    json.resize(json.len().next_multiple_of(ALIGNMENT), b' ');
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.append(&mut json);
    Ok(header)
}
