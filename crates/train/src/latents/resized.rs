//! Pictures of another size than those that an autoencoder is of.

use burn::tensor::Tensor;
use models::kinora::AutoencoderKinoraConfig;

use crate::{
    error::{Result, TrainError},
    setting,
};

/// How pictures are made larger or smaller, so that a code sees them as it is asked to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resized {
    /// So many pixels a side become one.
    shrink: usize,
    /// One pixel becomes so many a side.
    grow: usize,
}

impl Resized {
    /// For a code that is to see pictures `asked` times smaller than they are, of an autoencoder that makes them `own` times
    /// smaller.
    ///
    /// # Errors
    /// Neither a multiple of the other.
    pub fn new(asked: Option<usize>, own: usize) -> Result<Self> {
        let asked = asked.unwrap_or(own);
        setting::count("--upscale", asked as u64)?;
        let fits = asked.is_multiple_of(own) || own.is_multiple_of(asked);
        setting::require(
            "--upscale",
            format!("a multiple or a part of the autoencoder's {own}"),
            asked,
            fits,
        )?;
        Ok(Self { shrink: (asked / own).max(1), grow: (own / asked).max(1) })
    }

    /// What becomes of a video of `[frames, height, width]`.
    ///
    /// # Errors
    /// Sides that cannot be made smaller.
    pub fn size(&self, [frames, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        if [height, width].iter().all(|side| side.is_multiple_of(self.shrink)) {
            let [height, width] = [height, width].map(|side| side / self.shrink * self.grow);
            return Ok([frames, height, width]);
        }
        let found = format!("pictures of {width}x{height}");
        Err(TrainError::Setting { flag: "--upscale", expected: "sides that it divides".into(), found })
    }

    /// What becomes of `[1, 3, frames, height, width]`.
    pub fn video(&self, video: Tensor<5>) -> Tensor<5> {
        let smaller = AutoencoderKinoraConfig { upscale: self.shrink, ..Default::default() }.as_coded(video);
        if self.grow == 1 {
            return smaller;
        }
        let [batch, colours, frames, height, width] = smaller.dims();
        let (lines, side) = (batch * colours * frames * height, self.grow);
        let squares: Tensor<4> = smaller.reshape([lines, 1, width, 1]).expand([lines, side, width, side]);
        squares.reshape([batch, colours, frames, height * side, width * side])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn pictures_take_the_size_that_a_code_is_to_see() {
        let values: Vec<f32> = (0..3 * 2 * 4 * 6).map(|value| value as f32).collect();
        let video = Tensor::<5>::from_data(TensorData::new(values, [1, 3, 2, 4, 6]), &Device::flex());
        let as_it_is = Resized::new(None, 2).unwrap();
        assert_eq!(as_it_is.video(video.clone()).into_data(), video.clone().into_data());
        let (smaller, larger) = (Resized::new(Some(2), 1).unwrap(), Resized::new(Some(1), 2).unwrap());
        assert_eq!(smaller.size([2, 4, 6]).unwrap(), [2, 2, 3]);
        assert_eq!(larger.size([2, 4, 6]).unwrap(), [2, 8, 12]);
        assert_eq!(smaller.video(larger.video(video.clone())).into_data(), video.clone().into_data());
        let means = smaller.video(video);
        // 0, 1, 6 and 7.
        assert_eq!(means.slice([0..1, 0..1, 0..1, 0..1, 0..1]).into_scalar::<f32>(), 3.5);
        for refused in [
            Resized::new(Some(3), 2).map(|_| ()),
            Resized::new(Some(0), 1).map(|_| ()),
            smaller.size([1, 3, 4]).map(|_| ()),
        ] {
            assert!(refused.unwrap_err().to_string().contains("--upscale"));
        }
    }
}
