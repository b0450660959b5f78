//! Eight bits for the values of a frame, and for the weights of an output channel.

/// The affine scale of a frame: `x ≈ scale (q − zero)` with `0 ≤ q ≤ 255`.
///
/// A frame has a scale of its own, so that the result does not depend on how a clip is cut in time.
/// The padding's zero is represented exactly. A frame with a NaN or an infinity has a NaN scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub scale: f32,
    pub inverse: f32,
    pub zero: f32,
}

impl Scale {
    /// That of what is not quantised.
    pub const ONE: Self = Self { scale: 1.0, inverse: 1.0, zero: 0.0 };
}

/// The least and the greatest value, and zero or NaN if one is not finite.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extremes {
    pub least: f32,
    pub greatest: f32,
    pub poison: f32,
}

impl Extremes {
    /// Of some values and zero.
    #[inline(always)]
    pub fn of(values: &[f32]) -> Self {
        Self::of_each(values, |x| x)
    }

    /// Of some values in another number format and zero.
    #[inline(always)]
    pub fn of_each<T: Copy>(values: &[T], to_f32: impl Fn(T) -> f32) -> Self {
        const LANES: usize = 32;
        let chunks = values.chunks_exact(LANES);
        let rest = chunks.remainder();
        let (mut least, mut greatest, mut poison) = ([0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
        for chunk in chunks {
            for i in 0..LANES {
                let x = to_f32(chunk[i]);
                least[i] = if x < least[i] { x } else { least[i] };
                greatest[i] = if x > greatest[i] { x } else { greatest[i] };
                poison[i] += x * 0.0;
            }
        }
        let rest = rest.iter().map(|&x| to_f32(x)).map(|x| Self {
            least: x.min(0.0),
            greatest: x.max(0.0),
            poison: x * 0.0,
        });
        let lanes = (0..LANES).map(|i| Self { least: least[i], greatest: greatest[i], poison: poison[i] });
        lanes.chain(rest).fold(Self::default(), Self::join)
    }

    pub fn join(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            greatest: self.greatest.max(other.greatest),
            poison: self.poison + other.poison,
        }
    }

    pub fn scale(self) -> Scale {
        let range = self.greatest - self.least;
        if range == 0.0 {
            return Scale { scale: 1.0 + self.poison, inverse: 1.0, zero: 0.0 };
        }
        let scale = (range / 255.0).max(f32::MIN_POSITIVE);
        let zero = (-self.least / scale).round_ties_even().min(255.0);
        Scale { scale: scale + self.poison, inverse: 1.0 / scale, zero }
    }
}

impl Scale {
    /// `q`, as a number.
    #[inline(always)]
    pub fn quantize(self, x: f32) -> f32 {
        (x * self.inverse + self.zero).round_ties_even().clamp(0.0, 255.0)
    }
}

/// The symmetric scale of an output channel's weights, `w ≈ scale q` with `|q| ≤ 127`; NaN if one
/// is not finite.
pub(super) fn weight_scale(weights: &[f32]) -> f32 {
    let Extremes { least, greatest, poison } = Extremes::of(weights);
    let most = greatest.max(-least);
    if most == 0.0 { 1.0 + poison } else { (most / 127.0).max(f32::MIN_POSITIVE) + poison }
}

/// `q`, as a number.
pub(super) fn quantize_weight(weight: f32, scale: f32) -> f32 {
    (weight / scale).round_ties_even().clamp(-127.0, 127.0)
}
