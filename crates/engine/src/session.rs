//! Where models run.

use burn::tensor::Device;

use crate::{ModelFiles, Pipeline, Precision, Result};

/// A device, and the models that are opened on it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Session {
    device: Device,
}

impl Session {
    /// On this machine's processor, with the kernels of this program.
    pub fn cpu() -> Self {
        Self { device: Device::flex() }
    }

    /// Opens a model for videos of one precision, its own if none is given. Its configuration and the headers of its weights are read and
    /// checked; the weights are read when they are needed, see [`Pipeline`].
    ///
    /// # Errors
    /// A folder that is no model, a model that is not served, or files that are missing or damaged.
    pub fn open(&self, files: &ModelFiles, precision: Option<Precision>) -> Result<Pipeline> {
        Pipeline::open(self.clone(), files, precision)
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }
}
