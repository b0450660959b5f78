//! Pixels on their way into a network, and numbers on their way out of it.

use burn::tensor::Tensor;

use crate::error::{Error, Result};

/// The numbers of a tensor in row-major order.
///
/// # Errors
/// A device that does not give back what it computed.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().map_err(|error| Error::Device(format!("{error:?}")))?;
    data.try_into_vec::<f32>().map_err(|error| Error::Device(format!("{error:?}")))
}

/// 8-bit RGB, `[height, width, 3]`, as three planes from -1 to 1: `[3, height, width]`.
pub(crate) fn fill_planes(rgb: &[u8], planes: &mut [f32]) {
    let area = planes.len() / 3;
    for (pixel, rgb) in rgb.chunks_exact(3).enumerate() {
        for (plane, &byte) in rgb.iter().enumerate() {
            planes[plane * area + pixel] = f32::from(byte) / 127.5 - 1.0;
        }
    }
}
