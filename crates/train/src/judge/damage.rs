//! How lessons are spoilt.

use judge::degrade::{Picture, Warp, compress};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// What happens to the frames of one lesson.
pub struct Damage {
    /// What makes things unclear, and which thing; none for all of them.
    strong: Option<(Strong, Option<usize>)>,
    /// Standard deviation of a blur in pixels, 0 for none.
    blur: f32,
    /// As [`Picture::coarsen`] takes it, 1 for none.
    coarsen: f32,
    warp: Option<Warp>,
    tint: [f32; 3],
    /// As [`compress`] takes it, 0 for none.
    compress: f32,
    noise: f32,
}

/// What leaves nothing to be recognised.
enum Strong {
    Blur(f32),
    Coarse(f32),
    Melt(Warp),
}

impl Damage {
    /// A third of the lessons stay as they are, a quarter has something that is unclear.
    pub fn draw(things: usize, rng: &mut ChaCha8Rng) -> Self {
        let none = Self {
            strong: None,
            blur: 0.0,
            coarsen: 1.0,
            warp: None,
            tint: [1.0; 3],
            compress: 0.0,
            noise: 0.0,
        };
        let lot: f64 = rng.random();
        if lot < 0.3 {
            return none;
        }
        let strong = (lot > 0.75).then(|| {
            let one = rng.random_bool(0.6).then(|| rng.random_range(0..things));
            let strong = match rng.random_range(0..5) {
                0 | 1 => Strong::Blur(rng.random_range(2.2..5.5)),
                2 => Strong::Coarse(rng.random_range(0.06..0.15)),
                _ => Strong::Melt(Warp::draw(rng.random_range(4.0..8.0), rng.random_range(10.0..22.0), rng)),
            };
            (strong, one)
        });
        let mut maybe = |chance: f64| rng.random_bool(chance);
        let [blurs, coarsens, warps, tints, compresses, noises] =
            [0.4, 0.25, 0.2, 0.4, 0.5, 0.3].map(&mut maybe);
        Self {
            strong,
            blur: if blurs { rng.random_range(0.2..1.0) } else { 0.0 },
            coarsen: if coarsens { rng.random_range(0.55..0.95) } else { 1.0 },
            warp: warps.then(|| Warp::draw(rng.random_range(0.2..0.9), rng.random_range(14.0..40.0), rng)),
            tint: if tints { [(); 3].map(|()| rng.random_range(0.93..1.07)) } else { none.tint },
            compress: if compresses { rng.random_range(0.02..0.14) } else { 0.0 },
            noise: if noises { rng.random_range(0.0..0.025) } else { 0.0 },
        }
    }

    /// Spoils frames; `masks` gives the share of each thing in each pixel of one of them, `[things, height, width]`.
    pub fn apply(&self, pictures: &mut [Picture], masks: impl Fn(usize) -> Vec<f32>, rng: &mut ChaCha8Rng) {
        for (frame, picture) in pictures.iter_mut().enumerate() {
            if let Some((strong, thing)) = &self.strong {
                let mut spoilt = picture.clone();
                match strong {
                    Strong::Blur(sigma) => spoilt.blur(*sigma),
                    Strong::Coarse(share) => spoilt.coarsen(*share),
                    Strong::Melt(warp) => spoilt = warp.apply(picture, frame),
                }
                match thing {
                    Some(thing) => picture.blend(&spoilt, &around(&masks(frame), *thing, picture)),
                    None => *picture = spoilt,
                }
            }
            if let Some(warp) = &self.warp {
                *picture = warp.apply(picture, frame);
            }
            picture.blur(self.blur);
            if self.coarsen < 1.0 {
                picture.coarsen(self.coarsen);
            }
            picture.tint(self.tint);
            if self.compress > 0.0 {
                compress(picture, self.compress);
            }
            if self.noise > 0.0 {
                picture.add_noise(self.noise, rng);
            }
        }
    }

    /// Whether each thing can be recognised still.
    pub fn is_clear(&self, things: usize) -> Vec<bool> {
        let spoils = |thing: usize| match &self.strong {
            Some((_, one)) => one.is_none_or(|one| one == thing),
            None => false,
        };
        (0..things).map(|thing| !spoils(thing)).collect()
    }
}

/// 1 on a thing and near it, falling off to 0.
fn around(masks: &[f32], thing: usize, picture: &Picture) -> Vec<f32> {
    const REACH: f32 = 3.0;
    let area = picture.width * picture.height;
    let mask = &masks[thing * area..(thing + 1) * area];
    let mut wide = Picture { values: mask.repeat(3), ..picture.clone() };
    wide.blur(REACH);
    wide.values.truncate(area);
    wide.values.into_iter().map(|value| (4.0 * value).min(1.0)).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn only_what_is_spoilt_strongly_is_unclear() {
        let mut counts = [0; 3];
        for seed in 0..400 {
            let damage = Damage::draw(2, &mut ChaCha8Rng::seed_from_u64(seed));
            counts[damage.is_clear(2).iter().filter(|clear| **clear).count()] += 1;
            assert!(damage.strong.is_some() || damage.is_clear(2) == [true, true]);
            assert!(damage.blur <= 1.0);
        }
        assert!(counts[0] > 20 && counts[1] > 30 && counts[2] > 250, "{counts:?}");
    }

    #[test]
    fn the_surroundings_of_a_thing_are_spoilt_and_nothing_far_away() {
        let picture = Picture { width: 40, height: 30, values: vec![0.0; 3600] };
        let mut masks = vec![0.0; 2 * 1200];
        masks[1200 + 15 * 40 + 10..][..8].fill(1.0);
        let share = around(&masks, 1, &picture);
        assert!(share[15 * 40 + 14] > share[15 * 40 + 24] && share[2 * 40 + 38] == 0.0);
    }
}
