//! Which job is next, and when a long one makes room for a short one.

use std::collections::VecDeque;

use crate::{keys::Owner, store::Waiting};

/// Work that was done in this time counts against its owner, in thousandths of a second.
const MEMORY: i64 = 3_600_000;
/// Work of one owner that ended within this time is one entry, however many jobs it was.
const TOGETHER: i64 = 60_000;

/// What each owner got lately.
#[derive(Debug, Default)]
pub struct Served {
    /// Who, when the first of it ended, and for how long, in thousandths of a second.
    work: VecDeque<(Owner, i64, i64)>,
}

impl Served {
    /// Somebody's job was worked on for so many thousandths of a second, until now.
    pub fn add(&mut self, owner: &Owner, now: i64, duration: i64) {
        let mut lately = self.work.iter_mut().rev().take_while(|(_, end, _)| now - end < TOGETHER);
        match lately.find(|(who, ..)| who == owner) {
            Some((.., sum)) => *sum += duration,
            None => self.work.push_back((owner.clone(), now, duration)),
        }
        while self.work.front().is_some_and(|(_, end, _)| now - end > MEMORY) {
            self.work.pop_front();
        }
    }

    fn of(&self, owner: &Owner, now: i64) -> i64 {
        let recent = self.work.iter().filter(|(who, end, _)| who == owner && now - end <= MEMORY);
        recent.map(|(_, _, duration)| duration).sum()
    }
}

/// The next one: of the owner whose claim is largest, the job that has waited longest. A claim is the time that it has
/// waited, less the time that its owner got lately: whoever got nothing comes first, and whoever waits comes in the end.
pub fn next<'a>(waiting: &'a [Waiting], served: &Served, now: i64) -> Option<&'a Waiting> {
    let claim = |job: &Waiting| now - job.since - served.of(&job.owner, now);
    // Of equal claims, the first: `waiting` is in the order of time.
    waiting.iter().reduce(|best, job| if claim(job) > claim(best) { job } else { best })
}

/// A job that is worked on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running {
    /// Since when it is worked on without a break, in thousandths of a second since 1970.
    pub since: i64,
    /// Seconds that all of it takes.
    pub seconds: f64,
    /// Seconds that are left.
    pub seconds_left: f64,
}

/// The job that is made before the running one goes on: one that takes no more than a `share` of its time, has waited for
/// that share, and would have to wait for longer than it takes. The running job itself works for its share between two
/// breaks, so that it always gets on.
pub fn made_between<'a>(
    running: &Running,
    waiting: &'a [Waiting],
    share: f64,
    now: i64,
) -> Option<&'a Waiting> {
    let patience = share * running.seconds;
    let seconds_since = |at: i64| (now - at) as f64 / 1000.0;
    if seconds_since(running.since) < patience {
        return None;
    }
    waiting.iter().find(|job| {
        job.seconds <= patience && seconds_since(job.since) >= patience && running.seconds_left > job.seconds
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, owner: &str, since: i64, seconds: f64) -> Waiting {
        Waiting { id: id.into(), owner: owner.into(), since, seconds }
    }

    #[test]
    fn what_was_done_is_remembered_for_an_hour_and_takes_no_more_room_for_more_jobs() {
        let mut served = Served::default();
        for now in 0..10_000 {
            served.add(&["alice", "bob"][now as usize % 2].into(), now * 1000, 10);
        }
        assert!(served.work.len() <= 2 * 62, "{}", served.work.len());
        // Nearly two hours have gone; what ended together is forgotten together.
        let of = |now| served.of(&"alice".into(), now);
        assert!((17_600..=18_000).contains(&of(9_999_000)), "{}", of(9_999_000));
        assert_eq!(of(9_999_000 + MEMORY), 0);
    }

    #[test]
    fn owners_take_turns_however_many_jobs_one_has() {
        let mut waiting: Vec<_> = (0..10).map(|index| job("a", "alice", index, 10.0)).collect();
        waiting.extend((0..3).map(|index| job("b", "bob", 20 + index, 10.0)));
        let (mut served, mut now, mut order) = (Served::default(), 100, String::new());
        while let Some(job) = next(&waiting, &served, now).cloned() {
            waiting.remove(waiting.iter().position(|other| *other == job).unwrap());
            now += 10_000;
            served.add(&job.owner, now, 10_000);
            order += &job.id;
        }
        assert_eq!(order, "ababab".to_owned() + "aaaaaaa");
    }

    #[test]
    fn one_owner_gets_them_in_their_order() {
        let waiting = [job("1", "alice", 0, 99.0), job("2", "alice", 1, 1.0)];
        assert_eq!(next(&waiting, &Served::default(), 50).unwrap().id, "1");
        assert_eq!(next(&[], &Served::default(), 50), None);
    }

    #[test]
    fn who_waits_comes_in_the_end() {
        // Bob has had an hour, and Alice sends a new job each second.
        let mut served = Served::default();
        served.add(&"bob".into(), 0, MEMORY);
        let bob = job("b", "bob", 0, 1.0);
        let comes = (0..3 * MEMORY).step_by(1000).find(|&now| {
            let waiting = [bob.clone(), job("a", "alice", now, 1.0)];
            next(&waiting, &served, now).unwrap().id == "b"
        });
        assert!(comes.unwrap() <= MEMORY + 1000, "{comes:?}");
    }

    #[test]
    fn a_short_job_waits_for_its_share_and_no_longer() {
        let running = Running { since: 0, seconds: 100.0, seconds_left: 60.0 };
        let short = [job("s", "bob", 10_000, 20.0)];
        let at = |now| made_between(&running, &short, 0.25, now).is_some();
        assert!(!at(20_000) && !at(34_999) && at(35_000));
        // One that is not short, one that is soon over, and one that has just gone on.
        assert!(made_between(&running, &[job("l", "bob", 0, 26.0)], 0.25, 90_000).is_none());
        assert!(made_between(&Running { seconds_left: 15.0, ..running }, &short, 0.25, 90_000).is_none());
        assert!(made_between(&Running { since: 80_000, ..running }, &short, 0.25, 90_000).is_none());
    }
}
