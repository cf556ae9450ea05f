//! Families of patterns that are hard to tell from each other, each with the kinds of topics that ask most of an index.
//!
//! Everything follows from a seed. All patterns are legal: at most three `**`, 16 wildcards in all, 64 segments. Most have
//! few different literals, so that nearly every part of a pattern is in every topic, and only the whole decides.

/// Patterns of one kind, and topics to ask them with.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    /// How many of them are measured.
    pub(crate) count: usize,
    pub(crate) pattern: Make,
    pub(crate) topics: &'static [Topics],
}

/// Makes one text.
pub(crate) type Make = fn(&mut Random) -> String;

/// What a kind of topics is called, and what makes one.
type Topics = (&'static str, Make);

/// All of them.
pub(crate) const FAMILIES: &[Family] = &[
    Family {
        name: "worst legal, `z` near the end",
        count: 10_000,
        pattern: |random| worst_legal(random, 4),
        topics: &[ALL_A, ONE_NEW, Z_FIRST, TWO_Z],
    },
    Family {
        name: "worst legal, `z` anywhere",
        count: 10_000,
        pattern: |random| worst_legal(random, 40),
        topics: &[ALL_A, ONE_NEW, Z_FIRST, TWO_Z],
    },
    Family {
        name: "`**/R/**`, R 16 of `a`, `*`",
        count: 10_000,
        pattern: |random| format!("**/{}/**", row(random, 16, &["a"], 14)),
        topics: &[THREE_NEW, HALF_A, THIRD_A, RULER],
    },
    Family {
        name: "`**/R/z/**`, R 16 of `a`, `*`",
        count: 10_000,
        pattern: |random| format!("**/{}/z/**", row(random, 16, &["a"], 14)),
        topics: &[ONE_NEW, TWO_Z, HALF_A_Z],
    },
    Family {
        name: "`**/R/**/S/**` of `a`, `*`",
        count: 10_000,
        pattern: |random| {
            let (first, second) = (8 + random.below(12), 8 + random.below(12));
            format!("**/{}/**/{}/**", row(random, first, &["a"], 6), row(random, second, &["a"], 7))
        },
        topics: &[THREE_NEW, HALF_A, THIRD_A, RULER],
    },
    Family {
        name: "`**/R/**` of two letters, gaps",
        count: 10_000,
        pattern: |random| {
            let segments = 20 + random.below(12);
            format!("**/{}/**", row(random, segments, &["a", "b"], 14))
        },
        topics: &[TWO_LETTERS, HALF_A, ONE_NEW],
    },
    Family {
        name: "`**/R/**` of four letters, gaps",
        count: 10_000,
        pattern: |random| {
            let segments = 16 + random.below(12);
            format!("**/{}/**", row(random, segments, &["a", "b", "c", "d"], 14))
        },
        topics: &[FOUR_LETTERS, TWO_LETTERS],
    },
    Family {
        name: "front of `*`, then two letters, `**`",
        count: 10_000,
        pattern: |random| {
            let segments = 12 + random.below(30);
            format!("{}/{}/**", ["*"; 9].join("/"), row(random, segments, &["a", "b"], 6))
        },
        topics: &[TWO_LETTERS, BASE_CHANGED, ALL_A],
    },
    Family {
        name: "front of `*`, then `a`, no `**`",
        count: 10_000,
        pattern: |random| format!("{}/{}", ["*"; 9].join("/"), row(random, 55, &["a"], 7)),
        topics: &[ONE_NEW, THREE_NEW, HALF_A],
    },
    Family {
        name: "`**`, two letters, end of `*`",
        count: 10_000,
        pattern: |random| {
            let segments = 12 + random.below(30);
            format!("**/{}/{}", row(random, segments, &["a", "b"], 6), ["*"; 9].join("/"))
        },
        topics: &[TWO_LETTERS, BASE_CHANGED, ALL_A],
    },
    Family {
        name: "near one topic of two letters",
        count: 10_000,
        pattern: |random| holed(random, base(2), 0),
        topics: &[BASE, BASE_CHANGED, TWO_LETTERS],
    },
    Family {
        name: "`**/R/**`, R near one topic",
        count: 10_000,
        pattern: |random| {
            let from = random.below(4);
            let segments = base(2)[from..from + 58 + random.below(3)].to_vec();
            format!("**/{}/**", holed(random, segments, 14))
        },
        topics: &[BASE, BASE_CHANGED, TWO_LETTERS],
    },
    Family {
        name: "near one topic of 64 letters",
        count: 10_000,
        pattern: |random| holed(random, base(64), 0),
        topics: &[BASE_OF_64, BASE_OF_64_CHANGED],
    },
    Family {
        name: "one of two at each segment, gaps",
        count: 10_000,
        pattern: |random| {
            let segments = (0..24).map(|at| format!("{}{at}", ["x", "y"][random.below(2)])).collect();
            holed(random, segments, 13) + "/**"
        },
        topics: &[ONE_OF_TWO],
    },
    Family {
        name: "`z`, which no topic has, and others",
        count: 10_000,
        pattern: |random| {
            let mut segments: Vec<_> = (0..30).map(|_| LETTERS[random.below(4)].to_owned()).collect();
            segments[random.below(30)] = "z".to_owned();
            format!("**/{}", holed(random, segments, 3))
        },
        topics: &[FOUR_LETTERS, ALL_A],
    },
    // There are some 3,200.
    Family {
        name: "wildcards only",
        count: 3_000,
        pattern: |random| {
            let segments = 1 + random.below(16);
            let mut all = vec!["*"; segments];
            (0..random.below(4)).for_each(|_| all[random.below(segments)] = "**");
            all.join("/")
        },
        topics: &[("1 segment", |_| "a".to_owned()), ("4 segments", |_| "a/b/c/d".to_owned()), ONE_NEW],
    },
];

const SEGMENTS: usize = 64;
const LETTERS: [&str; 4] = ["a", "b", "c", "d"];

const ALL_A: Topics = ("64 `a`", |_| ["a"; SEGMENTS].join("/"));
const ONE_NEW: Topics = ("`a`, 1 new", |random| with_new(random, 1));
const THREE_NEW: Topics = ("`a`, 3 new", |random| with_new(random, 3));
const Z_FIRST: Topics = ("`z`, then `a`", |_| format!("z/{}", ["a"; SEGMENTS - 1].join("/")));
const TWO_Z: Topics = ("`a`, 2 `z`", |random| {
    let mut all = ["a"; SEGMENTS];
    (0..2).for_each(|_| all[random.below(SEGMENTS)] = "z");
    all.join("/")
});
const HALF_A: Topics = ("half `a`", |random| some_a(random, 2).join("/"));
const THIRD_A: Topics = ("a third `a`", |random| some_a(random, 3).join("/"));
const HALF_A_Z: Topics = ("half `a`, 1 `z`", |random| {
    let mut all = some_a(random, 2);
    all[random.below(SEGMENTS)] = "z".to_owned();
    all.join("/")
});
const RULER: Topics = ("a ruler of `a`", |random| {
    const MARKS: [usize; 10] = [0, 1, 6, 10, 23, 26, 34, 41, 53, 55];
    let from = random.below(9);
    let is_mark = |at: usize| at.checked_sub(from).is_some_and(|at| MARKS.contains(&at));
    let segment = |at| if is_mark(at) { "a".to_owned() } else { format!("n{at}") };
    (0..SEGMENTS).map(segment).collect::<Vec<_>>().join("/")
});
const TWO_LETTERS: Topics = ("2 letters", |random| letters(random, 2));
const FOUR_LETTERS: Topics = ("4 letters", |random| letters(random, 4));
const BASE: Topics = ("the one", |_| base(2).join("/"));
const BASE_CHANGED: Topics = ("the one, 2 changed", |random| {
    let mut all = base(2);
    for _ in 0..2 {
        let at = random.below(SEGMENTS);
        all[at] = if all[at] == "a" { "b".to_owned() } else { "a".to_owned() };
    }
    all.join("/")
});
const BASE_OF_64: Topics = ("the one", |_| base(64).join("/"));
const BASE_OF_64_CHANGED: Topics = ("the one, 2 changed", |random| {
    let mut all = base(64);
    (0..2).for_each(|_| all.swap(random.below(SEGMENTS), random.below(SEGMENTS)));
    all.join("/")
});
const ONE_OF_TWO: Topics = ("one of two, 1 new", |random| {
    let mut all: Vec<_> = (0..24).map(|at| format!("{}{at}", ["x", "y"][random.below(2)])).collect();
    all[random.below(24)] = "n".to_owned();
    all.join("/")
});

/// Three `**`, 13 `*` and otherwise `a`, with one `z` among the last segments: what `hostile.py` subscribes to.
fn worst_legal(random: &mut Random, last: usize) -> String {
    let segments = 40 + random.below(25);
    let mut all = holes(random, vec!["a".to_owned(); segments], 0);
    all[segments - 1 - random.below(last)] = "z".to_owned();
    all.join("/")
}

/// Segments of some letters, with at most so many of them replaced by `*`; the first and the last are letters.
fn row(random: &mut Random, segments: usize, letters: &[&str], stars: usize) -> String {
    let mut all: Vec<_> = (0..segments).map(|_| letters[random.below(letters.len())]).collect();
    (0..stars).for_each(|_| all[1 + random.below(segments - 2)] = "*");
    all.join("/")
}

fn holed(random: &mut Random, segments: Vec<String>, stars: usize) -> String {
    holes(random, segments, stars).join("/")
}

/// Replaces so many segments by `*`, or, if it is 0, three by `**` and 13 by `*`.
fn holes(random: &mut Random, mut segments: Vec<String>, stars: usize) -> Vec<String> {
    let (all, double) = if stars == 0 { (16, 3) } else { (stars, 0) };
    for hole in 0..all {
        let at = random.below(segments.len());
        segments[at] = if hole < double { "**" } else { "*" }.to_owned();
    }
    segments
}

fn with_new(random: &mut Random, new: usize) -> String {
    let mut all = vec!["a".to_owned(); SEGMENTS];
    (0..new).for_each(|n| all[random.below(SEGMENTS)] = format!("n{n}"));
    all.join("/")
}

/// One of so many segments is `a`, and the others are new.
fn some_a(random: &mut Random, of: usize) -> Vec<String> {
    let segment = |at| if random.below(of) == 0 { "a".to_owned() } else { format!("n{at}") };
    (0..SEGMENTS).map(segment).collect()
}

fn letters(random: &mut Random, letters: usize) -> String {
    (0..SEGMENTS).map(|_| LETTERS[random.below(letters)]).collect::<Vec<_>>().join("/")
}

/// The one topic that many patterns are near to.
fn base(letters: usize) -> Vec<String> {
    let mut random = Random(13);
    (0..SEGMENTS)
        .map(|_| {
            if letters > 4 {
                format!("l{}", random.below(letters))
            } else {
                LETTERS[random.below(letters)].to_owned()
            }
        })
        .collect()
}

/// The generator of Knuth's MMIX: the same patterns for a seed, everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
