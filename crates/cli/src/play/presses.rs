//! Keys that ask for something, and how long each waits for its answer.

use std::time::Instant;

/// What was asked for by keys.
#[derive(Default)]
pub struct Presses {
    waiting: Vec<Press>,
    /// Seconds from a key to the picture that answers it.
    latencies: Vec<f64>,
}

struct Press {
    at: Instant,
    /// The frame that answers it, once somebody is asked to make that.
    answer: Option<usize>,
}

impl Presses {
    pub fn press(&mut self, now: Instant) {
        self.waiting.push(Press { at: now, answer: None });
    }

    /// One that this frame answers.
    pub fn press_for(&mut self, frame: usize, now: Instant) {
        self.waiting.push(Press { at: now, answer: Some(frame) });
    }

    /// Whether nobody has been asked yet for what one of them asks for.
    pub fn is_one_open(&self) -> bool {
        self.waiting.iter().any(|press| press.answer.is_none())
    }

    /// What is made from this frame on answers them, also where an answer was made and then cut off before it was seen.
    pub fn answer_from(&mut self, frame: usize) {
        for press in &mut self.waiting {
            press.answer = Some(press.answer.map_or(frame, |answer| answer.min(frame)));
        }
    }

    /// A frame is seen.
    pub fn see(&mut self, frame: usize, now: Instant) {
        let latencies = &mut self.latencies;
        self.waiting.retain(|press| {
            let is_answered = press.answer.is_some_and(|answer| answer <= frame);
            if is_answered {
                latencies.push(now.duration_since(press.at).as_secs_f64());
            }
            !is_answered
        });
    }

    pub fn report(&self) -> String {
        let mut latencies = self.latencies.clone();
        latencies.sort_by(f64::total_cmp);
        let keys = match latencies.len() + self.waiting.len() {
            0 => return "no key asked for anything new".into(),
            1 => "1 key".to_owned(),
            count => format!("{count} keys"),
        };
        match latencies.last() {
            None => format!("{keys}, none answered yet"),
            Some(most) => format!(
                "{keys}, {} answered: from key to picture {:.2} s (median), {most:.2} s at most",
                latencies.len(),
                latencies[latencies.len() / 2],
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn keys_are_counted_whether_they_are_answered_or_not() {
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut presses = Presses::default();
        assert_eq!(presses.report(), "no key asked for anything new");
        presses.press(start);
        assert!(presses.is_one_open());
        assert_eq!(presses.report(), "1 key, none answered yet");
        presses.answer_from(9);
        presses.press(after(1));
        presses.see(8, after(2));
        assert_eq!(presses.report(), "2 keys, none answered yet");
        presses.see(9, after(3));
        let report = presses.report();
        assert_eq!(report, "2 keys, 1 answered: from key to picture 3.00 s (median), 3.00 s at most");
        assert!(presses.is_one_open());
        // Its first answer is cut off before it is seen: what is made in place of that answers it.
        presses.answer_from(17);
        presses.press(after(4));
        presses.answer_from(12);
        presses.see(12, after(5));
        let report = presses.report();
        assert_eq!(report, "3 keys, 3 answered: from key to picture 3.00 s (median), 4.00 s at most");
        assert!(!presses.is_one_open());
    }
}
