//! The loss curve as a picture.

use std::path::Path;

use media::{Clip, SheetLayout, SheetRow};

use crate::{
    error::{Result, TrainError},
    log::{self, Kind, Line},
};

const WIDTH: usize = 720;
const HEIGHT: usize = 360;

const PAPER: [u8; 3] = [250, 250, 250];
const GRID: [u8; 3] = [225, 225, 225];
const EACH_STEP: [u8; 3] = [176, 206, 235];
const SMOOTH: [u8; 3] = [20, 80, 160];

/// Steps that the smooth line averages over, as a share of the run.
const WINDOW: f64 = 0.02;

/// Draws `curve.png` from the log in `output`: the training loss, and each figure of the
/// evaluations below it. A run without steps has no picture.
///
/// # Errors
/// A log that cannot be read, or a picture that cannot be written.
pub fn draw(output: &Path) -> Result<()> {
    let lines = log::read(output)?;
    let mut charts: Vec<(String, Clip)> = Vec::new();
    charts.extend(chart(&lines, Kind::Train, "loss")?);
    let evaluated = lines.iter().rev().find(|line| line.kind == Kind::Evaluation);
    for name in evaluated.into_iter().flat_map(|line| line.figures.names()) {
        charts.extend(chart(&lines, Kind::Evaluation, name)?);
    }
    if charts.is_empty() {
        return Ok(());
    }
    let rows: Vec<SheetRow<'_>> = charts.iter().map(|(caption, clip)| SheetRow { clip, caption }).collect();
    let layout = SheetLayout { frames_per_clip: 1, clips_across: 2 };
    let what = "drawing the curve";
    let sheet = media::contact_sheet(&rows, layout).map_err(TrainError::part(what))?;
    media::write(&sheet, &output.join("curve.png"), None).map_err(TrainError::part(what))
}

/// One figure over the steps, with its range in words; positive figures are drawn in logarithms.
fn chart(lines: &[Line], kind: Kind, name: &str) -> Result<Option<(String, Clip)>> {
    let points: Vec<(f64, f64)> = lines
        .iter()
        .filter(|line| line.kind == kind)
        .filter_map(|line| Some((line.step as f64, line.figure(name).filter(|value| value.is_finite())?)))
        .collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(None) };
    let positive = points.iter().all(|(_, value)| *value > 0.0);
    let scaled = |value: f64| if positive { value.ln() } else { value };
    let low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);

    let mut pixels = PAPER.repeat(WIDTH * HEIGHT);
    let mut dot = |x: f64, y: f64, size: usize, colour: [u8; 3]| {
        let left = ((x * (WIDTH - size) as f64) as usize).min(WIDTH - size);
        let top = (((1.0 - y) * (HEIGHT - size) as f64) as usize).min(HEIGHT - size);
        for row in top..top + size {
            let start = (row * WIDTH + left) * 3;
            pixels[start..start + 3 * size].copy_from_slice(&colour.repeat(size));
        }
    };
    for tenth in 0..=10 {
        (0..WIDTH).for_each(|x| dot(x as f64 / WIDTH as f64, f64::from(tenth) / 10.0, 1, GRID));
        (0..HEIGHT).for_each(|y| dot(f64::from(tenth) / 10.0, y as f64 / HEIGHT as f64, 1, GRID));
    }
    let across = |step: f64| (step - first.0) / (last.0 - first.0).max(1.0);
    let up = |value: f64| (scaled(value) - scaled(low)) / (scaled(high) - scaled(low)).max(1e-12);
    points.iter().for_each(|(step, value)| dot(across(*step), up(*value), 2, EACH_STEP));
    let smooth = smooth(&points, (points.len() as f64 * WINDOW) as usize);
    for pair in smooth.windows(2) {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]].map(|(step, value)| (across(step), up(value)));
        let pieces = (((x1 - x0) * WIDTH as f64).abs().max((y1 - y0).abs() * HEIGHT as f64)).ceil().max(1.0);
        for piece in 0..=pieces as usize {
            let share = piece as f64 / pieces;
            dot(x0 + share * (x1 - x0), y0 + share * (y1 - y0), 3, SMOOTH);
        }
    }
    let axis = if positive { "logarithmic" } else { "linear" };
    let caption = format!(
        "{name}: {low:.4} to {high:.4} ({axis}), steps {} to {}, last {:.4}",
        first.0,
        last.0,
        smooth.last().map_or(last.1, |p| p.1)
    );
    let clip = Clip::still(WIDTH, HEIGHT, pixels).map_err(TrainError::part("drawing the curve"))?;
    Ok(Some((caption, clip)))
}

/// The mean of each point and up to `window` points before it.
fn smooth(points: &[(f64, f64)], window: usize) -> Vec<(f64, f64)> {
    let mut sum = 0.0;
    let mut smooth = Vec::with_capacity(points.len());
    for (index, &(step, value)) in points.iter().enumerate() {
        sum += value;
        if index > window {
            sum -= points[index - window - 1].1;
        }
        smooth.push((step, sum / index.min(window).saturating_add(1) as f64));
    }
    smooth
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Figures;

    #[test]
    fn the_smooth_line_is_a_trailing_mean() {
        let points = [(1.0, 4.0), (2.0, 2.0), (3.0, 6.0), (4.0, 1.0)];
        assert_eq!(smooth(&points, 1), [(1.0, 4.0), (2.0, 3.0), (3.0, 4.0), (4.0, 3.5)]);
        assert_eq!(smooth(&points, 0), points);
    }

    #[test]
    fn a_falling_loss_falls_in_the_picture() {
        let line = |step: u64| {
            Line::new(step, Kind::Train, Figures::new().with("loss", (-(step as f64) / 50.0).exp()))
        };
        let lines: Vec<Line> = (0..200).map(line).collect();
        let (caption, clip) = chart(&lines, Kind::Train, "loss").unwrap().unwrap();
        assert!(caption.contains("steps 0 to 199") && caption.contains("logarithmic"), "{caption}");
        let frame = clip.frame(0).unwrap();
        let height_at = |x: usize| (0..HEIGHT).find(|y| frame[(y * WIDTH + x) * 3..][..3] == SMOOTH);
        let (left, right) = (height_at(WIDTH / 10).unwrap(), height_at(WIDTH * 9 / 10).unwrap());
        assert!(left < HEIGHT / 4 && right > HEIGHT * 3 / 4, "{left} {right}");
        assert!(chart(&lines, Kind::Evaluation, "loss").unwrap().is_none());
    }
}
