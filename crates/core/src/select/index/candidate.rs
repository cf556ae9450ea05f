//! A pattern in a form so small that thousands of them are compared with a topic in some microseconds.
//!
//! A topic must have each block of literals of a pattern, at one distance from the other blocks of its run. A block is
//! covered by one or more grams. A candidate has the most telling ones of each run, and compares all places of a run at
//! once, each as a bit. What passes is nearly always a match, and is compared with the pattern itself.

use smallvec::SmallVec;

use super::gram::{LENGTHS, Runs, lengths};
use super::names::ONE_SEGMENT;
use super::shape::Shape;
use super::signature::signature;
use super::topic_grams::{TopicGrams, slot};

/// Grams of the run that is compared first, without a look at the places in between: nobody could foresee what it shows.
const FIRST_GRAMS: usize = 8;
/// Further groups of grams, and grams in each.
const GROUPS: usize = 4;
const GROUP_GRAMS: usize = 4;

/// Bits of [`PlacedGram`] that say how far behind the beginning of its run a gram stands.
const BEHIND_BITS: u32 = 6;

/// A slot of [`TopicGrams`], and how far behind the beginning of its run the gram stands.
type PlacedGram = u16;

/// What is compared of a pattern first, in 32 bytes.
pub(super) struct Candidate {
    /// Bits that a topic must have in its own signature. None if there is no literal.
    signature: u64,
    pub(super) entry: u32,
    least: u8,
    window: Window,
    grams: [PlacedGram; FIRST_GRAMS],
}

/// What is compared if that was found.
pub(super) struct Rest {
    groups: u8,
    windows: [Window; GROUPS],
    grams: [[PlacedGram; GROUP_GRAMS]; GROUPS],
}

/// Where the run of a group may begin.
#[derive(Clone, Copy, Default)]
struct Window {
    /// Segments of the pattern before the run.
    before: u8,
    /// Segments of the run and those behind it.
    behind: u8,
    /// [`AT_FRONT`], [`AT_END`] and [`GOES_ON`].
    flags: u8,
}

/// The run is the first one: it begins with the topic.
const AT_FRONT: u8 = 1;
/// The run is the last one, and there are others: it ends with the topic.
const AT_END: u8 = 2;
/// The group has further grams of the same run as the group before it.
const GOES_ON: u8 = 4;

/// A run of a pattern, and the grams that cover its literals, the most telling first.
struct Covered {
    window: Window,
    grams: SmallVec<[PlacedGram; 16]>,
    /// How often the rarest of its literals is in the pattern.
    rarest: usize,
    /// How many of the grams are compared.
    compared: usize,
}

/// The two parts of a pattern's candidate.
pub(super) fn candidate(entry: u32, shape: &Shape, seed: u64) -> (Candidate, Rest) {
    let mut candidate = Candidate {
        signature: signature(shape.segments(), seed),
        entry,
        least: shape.least() as u8,
        window: Window::default(),
        grams: [0; FIRST_GRAMS],
    };
    let mut rest =
        Rest { groups: 0, windows: [Window::default(); GROUPS], grams: [[0; GROUP_GRAMS]; GROUPS] };
    let mut runs = covered_runs(shape, seed);
    // A literal that the pattern has once is perhaps rare in topics too. Of the others, a run that can stand at one
    // place only is the one that most likely does not fit.
    runs.sort_by_key(|run| (run.rarest > 1, run.window.flags == 0, usize::MAX - run.grams.len()));
    let Some((first, others)) = runs.split_first_mut() else { return (candidate, rest) };
    first.compared = FIRST_GRAMS;
    let mut spare = GROUPS - others.len();
    // What has the most grams left gets a group more.
    while let Some(run) =
        runs.iter_mut().max_by_key(|run| run.left()).filter(|run| spare > 0 && run.left() > 0)
    {
        run.compared += GROUP_GRAMS;
        spare -= 1;
    }
    (candidate.window, candidate.grams) = (runs[0].window, repeated(&runs[0].grams));
    for (nth, run) in runs.iter().enumerate() {
        let begun = if nth == 0 { FIRST_GRAMS } else { 0 };
        let compared = run.grams.len().min(run.compared);
        for (group, grams) in run.grams[begun.min(compared)..compared].chunks(GROUP_GRAMS).enumerate() {
            let at = usize::from(rest.groups);
            let goes_on = if begun + group > 0 { GOES_ON } else { 0 };
            rest.windows[at] = Window { flags: run.window.flags | goes_on, ..run.window };
            rest.grams[at] = repeated(grams);
            rest.groups += 1;
        }
    }
    (candidate, rest)
}

impl Candidate {
    /// Whether a topic of this signature may have all literals.
    #[inline]
    pub(super) fn is_within(&self, signature: u64) -> bool {
        self.signature & !signature == 0
    }

    /// Whether a topic may match, as far as this part knows; and the places of the run that it compares. Those are none
    /// if it does not match.
    #[inline]
    pub(super) fn places(&self, topic: &TopicGrams) -> u64 {
        let (segments, least) = (topic.segments(), usize::from(self.least));
        if !self.is_within(topic.signature()) || segments < least {
            return 0;
        }
        if self.signature == 0 {
            return u64::MAX;
        }
        let mut places = self.window.places(segments, 0);
        for gram in &self.grams {
            places &= behind(topic, *gram);
        }
        places
    }
}

impl Rest {
    /// Whether a topic may match that has the first run of the candidate at these places.
    #[inline]
    pub(super) fn may_match(&self, topic: &TopicGrams, mut places: u64) -> bool {
        for (window, grams) in self.windows.iter().zip(&self.grams).take(self.groups.into()) {
            places = window.places(topic.segments(), places);
            for gram in grams {
                places &= behind(topic, *gram);
            }
            if places == 0 {
                return false;
            }
        }
        true
    }
}

/// Where a run can begin so that it has a gram of a topic in the right place.
fn behind(topic: &TopicGrams, gram: PlacedGram) -> u64 {
    // The shift takes the lowest bits alone, which are those.
    topic.places(gram >> BEHIND_BITS).wrapping_shr(u32::from(gram))
}

/// As many grams, from the beginning again if there are fewer: to compare one twice changes nothing.
fn repeated<const N: usize>(grams: &[PlacedGram]) -> [PlacedGram; N] {
    std::array::from_fn(|at| grams[at % grams.len()])
}

impl Window {
    /// The places where the run may begin in a topic of so many segments, and did by the group before if this one goes
    /// on with its run. Without branches, which no processor could foresee.
    fn places(self, segments: usize, before: u64) -> u64 {
        let flag = |flag: u8| 0_u64.wrapping_sub(u64::from(self.flags & flag != 0));
        let last = (segments as u64 - u64::from(self.behind)) & !flag(AT_FRONT);
        let first = u64::from(self.before) | (last & flag(AT_END));
        // A run has a segment at least, and a topic 64 at most.
        let window = (u64::MAX << first) & (u64::MAX >> (63 - last));
        window & (before | !flag(GOES_ON))
    }
}

impl Covered {
    /// Grams that are not compared yet.
    fn left(&self) -> usize {
        self.grams.len().saturating_sub(self.compared)
    }
}

/// The runs of a pattern that have literals.
fn covered_runs(shape: &Shape, seed: u64) -> SmallVec<[Covered; 4]> {
    let [first, second] = shape.middles();
    let mut literals: SmallVec<[u32; 64]> = shape.segments().into();
    literals.sort_unstable();
    let mut before = 0;
    let runs = [(shape.front(), AT_FRONT), (first, 0), (second, 0), (shape.end(), AT_END)];
    let runs = runs.into_iter().filter_map(|(run, flags)| {
        // What is at the end may stand further behind, so nothing is asked of what is before it.
        let window = Window {
            before: if flags == AT_END { 0 } else { before as u8 },
            behind: (shape.least() - before) as u8,
            flags,
        };
        before += run.len();
        let hashes = Runs::new(run, lengths(run), seed);
        let grams = covering(run, &hashes, &literals);
        let rarest = grams.first()?.0;
        let grams = grams.into_iter().map(|(.., gram)| gram).collect();
        Some(Covered { window, grams, rarest, compared: GROUP_GRAMS })
    });
    runs.collect()
}

/// Grams that cover all literals of a run, those with rare literals first and then the longest. Each with the number of
/// times that the rarest of its literals is in the pattern, whose literals are given in order.
fn covering(run: &[u32], hashes: &Runs, literals: &[u32]) -> SmallVec<[(usize, usize, PlacedGram); 32]> {
    let times = |number: &u32| {
        literals.partition_point(|other| other <= number) - literals.partition_point(|other| other < number)
    };
    let mut grams = SmallVec::new();
    let mut from = 0;
    for block in run.split(|number| *number == ONE_SEGMENT) {
        // The longest gram that fits, as often as needed; the last one may overlap with the one before it.
        let length = (0..LENGTHS).rev().find(|length| 1 << length <= block.len());
        for at in length.into_iter().flat_map(|length| (0..block.len()).step_by(1 << length)) {
            let length = length.unwrap_or(0);
            let at = at.min(block.len() - (1 << length));
            let rarest = block[at..at + (1 << length)].iter().map(times).min().unwrap_or(0);
            let gram = slot(hashes.of_length(length)[from + at]) << BEHIND_BITS | (from + at) as u16;
            grams.push((rarest, LENGTHS - length, gram));
        }
        from += block.len() + 1;
    }
    grams.sort_unstable();
    grams
}

#[cfg(test)]
mod tests {
    use super::super::names::Names;
    use super::super::topic_view::TopicView;
    use super::*;
    use crate::event::topic::Topic;

    /// With this one no two grams of the test share a slot.
    const SEED: u64 = 13;

    fn passes(pattern: &str, topic: &str) -> bool {
        let mut names = Names::default();
        let shape = Shape::new(pattern, false, &mut names);
        let view = TopicView::new(&Topic::parse(topic).unwrap(), &names).unwrap();
        let (candidate, rest) = candidate(0, &shape, SEED);
        let grams = TopicGrams::new(view.numbers(), SEED);
        let places = candidate.places(&grams);
        places != 0 && rest.may_match(&grams, places)
    }

    #[test]
    fn what_has_all_literals_in_other_places_does_not_pass() {
        for (pattern, at_their_places, elsewhere) in [
            ("a/b/**", "a/b/x", "x/a/b"),
            ("**/a/b", "x/a/b", "a/b/x"),
            ("x/*/**/a/**", "x/b/a/b", "x/a/b/b"),
            ("**/a/*/**/c", "a/b/c", "b/a/c"),
            ("**/a/*/b/**", "c/a/c/b", "a/b/a/c"),
            ("**/a/*/**/b/*/**", "a/c/b/c", "b/c/a/c"),
        ] {
            assert!(passes(pattern, at_their_places), "{pattern} in {at_their_places}");
            assert!(!passes(pattern, elsewhere), "{pattern} in {elsewhere}");
        }
    }

    #[test]
    fn grams_of_two_groups_stand_where_one_run_can_begin() {
        // Eight grams of two literals are compared first, and the single one with the next group.
        let blocks: String = (0..8).map(|n| format!("a{n}/b{n}/*/")).collect();
        let pattern = format!("**/{blocks}q/**");

        assert!(passes(&pattern, &pattern.replace('*', "x")));
        assert!(!passes(&pattern, &format!("{}x/q/x", blocks.replace('*', "x"))));
    }
}
