//! diffusers' `scheduler_config.json`, read and written with its fields unchanged.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BetaSchedule, NUM_TRAIN_TIMESTEPS, Schedule, Spacing};
use crate::{Error, Result, Sampler, Variance};

/// The fields of a `scheduler_config.json`, including those that mean nothing here.
///
/// `_class_name` chooses the sampler. A field that is absent has diffusers' default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchedulerConfig {
    fields: Map<String, Value>,
}

impl SchedulerConfig {
    /// A configuration from which diffusers makes the scheduler that corresponds to `sampler`.
    ///
    /// `shift` is for the flow samplers; DDPM and DDIM have none.
    pub fn new(sampler: Sampler, shift: f64) -> Self {
        let mut fields = Map::new();
        let mut set = |field: &str, value: Value| fields.insert(field.to_owned(), value);
        set("_class_name", class_name(sampler).into());
        set("num_train_timesteps", NUM_TRAIN_TIMESTEPS.into());
        match sampler {
            Sampler::Euler => {
                set("shift", shift.into());
            }
            Sampler::UniPc => {
                set("flow_shift", shift.into());
                set("use_flow_sigmas", true.into());
                set("prediction_type", "flow_prediction".into());
                set("solver_order", 2.into());
                set("solver_type", "bh2".into());
            }
            Sampler::Ddpm | Sampler::Ddim => {
                set("beta_start", BetaSchedule::BETA_START.into());
                set("beta_end", BetaSchedule::BETA_END.into());
                set("beta_schedule", "linear".into());
                set("clip_sample", false.into());
            }
        }
        Self { fields }
    }

    /// Reads the text of a `scheduler_config.json`.
    ///
    /// # Errors
    /// [`Error::Json`] if it is not a JSON object.
    pub fn from_json(text: &str) -> Result<Self> {
        Ok(serde_json::from_str(text)?)
    }

    /// The text of a `scheduler_config.json`: keys sorted and indented by two, as diffusers writes it.
    pub fn to_json(&self) -> String {
        format!("{:#}\n", Value::Object(self.fields.clone()))
    }

    /// The sampler that `_class_name` names.
    ///
    /// # Errors
    /// [`Error::FieldType`] or [`Error::Unsupported`] if it names none.
    pub fn sampler(&self) -> Result<Sampler> {
        let class = self.class()?;
        Sampler::ALL.into_iter().find(|&sampler| class_name(sampler) == class).ok_or_else(|| {
            Error::Unsupported {
                class: class.to_owned(),
                field: "_class_name",
                found: class.to_owned(),
                expected: Sampler::ALL.map(class_name).join(", "),
            }
        })
    }

    /// The shift of the flow schedule, 1 for those that have none.
    ///
    /// # Errors
    /// As [`Self::sampler`], and [`Error::FieldType`] if it is not a positive number that f32 can hold.
    pub fn shift(&self) -> Result<f64> {
        let field = match self.sampler()? {
            Sampler::Euler => "shift",
            Sampler::UniPc => "flow_shift",
            Sampler::Ddpm | Sampler::Ddim => return Ok(1.0),
        };
        match self.fields.get(field) {
            None => Ok(1.0),
            Some(value) => {
                let fits = |&shift: &f64| shift as f32 > 0.0 && (shift as f32).is_finite();
                let expected = "a number of more than 0 that 32 bits can hold";
                value.as_f64().filter(fits).ok_or_else(|| field_type(field, expected, value))
            }
        }
    }

    /// The variance of DDPM's steps, from `variance_type`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless it is `fixed_small` or `fixed_large`.
    pub fn variance(&self) -> Result<Variance> {
        match self.require("variance_type", "fixed_small", "fixed_large") {
            Ok(()) => Ok(Variance::Beta),
            Err(_) => {
                self.require("variance_type", "fixed_small", "fixed_small").map(|()| Variance::BetaTilde)
            }
        }
    }

    /// The schedule with which diffusers would run `num_steps` steps.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a setting that would give other results than the samplers of this crate, and the
    /// errors of [`Self::shift`] and [`Spacing::schedule`].
    pub fn schedule(&self, num_steps: usize) -> Result<Schedule> {
        self.check_supported()?;
        Spacing::of(self.sampler()?, num_steps, self.shift()?).schedule()
    }

    fn check_supported(&self) -> Result<()> {
        self.require("num_train_timesteps", 1000, NUM_TRAIN_TIMESTEPS)?;
        match self.sampler()? {
            Sampler::Euler => {
                self.require_off(&["invert_sigmas", "stochastic_sampling"])?;
                self.check_flow()
            }
            Sampler::UniPc => {
                self.require("use_flow_sigmas", false, true)?;
                self.require("prediction_type", "epsilon", "flow_prediction")?;
                self.require("solver_order", 2, 2)?;
                self.require("solver_type", "bh2", "bh2")?;
                self.require("predict_x0", true, true)?;
                self.require("lower_order_final", true, true)?;
                self.require("final_sigmas_type", "zero", "zero")?;
                self.require("disable_corrector", Vec::<Value>::new(), Vec::<Value>::new())?;
                self.require("solver_p", Value::Null, Value::Null)?;
                self.require_off(&["thresholding"])?;
                self.check_flow()
            }
            Sampler::Ddpm => {
                self.variance()?;
                self.check_betas()
            }
            Sampler::Ddim => {
                self.require("set_alpha_to_one", true, true)?;
                self.check_betas()
            }
        }
    }

    fn check_flow(&self) -> Result<()> {
        self.require_off(&[
            "use_dynamic_shifting",
            "use_karras_sigmas",
            "use_exponential_sigmas",
            "use_beta_sigmas",
        ])?;
        self.require("shift_terminal", Value::Null, Value::Null)
    }

    fn check_betas(&self) -> Result<()> {
        self.require("beta_start", BetaSchedule::BETA_START, BetaSchedule::BETA_START)?;
        self.require("beta_end", BetaSchedule::BETA_END, BetaSchedule::BETA_END)?;
        self.require("beta_schedule", "linear", "linear")?;
        self.require("trained_betas", Value::Null, Value::Null)?;
        self.require("prediction_type", "epsilon", "epsilon")?;
        self.require("timestep_spacing", "leading", "leading")?;
        self.require("steps_offset", 0, 0)?;
        self.require("clip_sample", true, false)?;
        self.require_off(&["thresholding", "rescale_betas_zero_snr"])
    }

    fn require_off(&self, fields: &[&'static str]) -> Result<()> {
        fields.iter().try_for_each(|field| self.require(field, false, false))
    }

    fn require(
        &self,
        field: &'static str,
        default: impl Into<Value>,
        expected: impl Into<Value>,
    ) -> Result<()> {
        let (default, expected) = (default.into(), expected.into());
        let found = self.fields.get(field).unwrap_or(&default);
        let same_number = found.as_f64().is_some_and(|number| expected.as_f64() == Some(number));
        if *found == expected || same_number {
            return Ok(());
        }
        Err(Error::Unsupported {
            class: self.class()?.to_owned(),
            field,
            found: found.to_string(),
            expected: expected.to_string(),
        })
    }

    fn class(&self) -> Result<&str> {
        let value = self.fields.get("_class_name").unwrap_or(&Value::Null);
        value.as_str().ok_or_else(|| field_type("_class_name", "the name of a diffusers scheduler", value))
    }
}

fn class_name(sampler: Sampler) -> &'static str {
    match sampler {
        Sampler::Euler => "FlowMatchEulerDiscreteScheduler",
        Sampler::UniPc => "UniPCMultistepScheduler",
        Sampler::Ddpm => "DDPMScheduler",
        Sampler::Ddim => "DDIMScheduler",
    }
}

fn field_type(field: &'static str, expected: &'static str, found: &Value) -> Error {
    Error::FieldType { field, expected, found: found.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_unchanged() {
        let text = "{\n  \"_class_name\": \"FlowMatchEulerDiscreteScheduler\",\n  \
                    \"_diffusers_version\": \"0.42.1\",\n  \"made_by\": {\n    \"someone\": [\n      1\n    ]\n  },\n  \
                    \"shift\": 3.0\n}\n";
        let config = SchedulerConfig::from_json(text).unwrap();
        assert_eq!(config.to_json(), text);
        assert_eq!((config.sampler().unwrap(), config.shift().unwrap()), (Sampler::Euler, 3.0));
    }

    #[test]
    fn a_new_configuration_is_a_supported_one() {
        for sampler in Sampler::ALL {
            let config = SchedulerConfig::new(sampler, 1.0);
            assert_eq!(config.sampler().unwrap(), sampler);
            assert_eq!(config.schedule(10).unwrap(), Spacing::of(sampler, 10, 1.0).schedule().unwrap());
        }
        assert_eq!(SchedulerConfig::new(Sampler::UniPc, 5.0).shift().unwrap(), 5.0);
    }

    #[test]
    fn what_would_be_ignored_is_refused_by_name() {
        for (json, named) in [
            (r#"{"_class_name": "UniPCMultistepScheduler"}"#, "use_flow_sigmas"),
            (
                r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true}"#,
                "dynamic",
            ),
            (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": "3"}"#, "a number"),
            (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1e39}"#, "'shift'"),
            (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1e-60}"#, "'shift'"),
            (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": -1}"#, "found -1"),
            (
                r#"{"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": true, "prediction_type": "flow_prediction", "flow_shift": 0}"#,
                "'flow_shift'",
            ),
            (r#"{"_class_name": "DDPMScheduler"}"#, "clip_sample"),
            (r#"{"_class_name": "HeunDiscreteScheduler"}"#, "UniPCMultistepScheduler"),
            (r#"{"shift": 3.0}"#, "_class_name"),
        ] {
            let message = SchedulerConfig::from_json(json).unwrap().schedule(4).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
        assert!(matches!(SchedulerConfig::from_json("[1]"), Err(Error::Json(_))));
    }
}
