//! A catalogue of any size: entries with titles, texts, tags, categories and metadata as an account has them, in words that are
//! used as words are (Zipf). The same number is always the same entry, so nothing of it is kept in memory.

use fastrand::Rng;

use super::words::{SCRIPTS, Script, Word};

/// Values of the metadata field `Topic`.
pub const TOPICS: [&str; 6] = ["Lecture", "Sport", "News", "Museum", "Cooking", "Music"];
/// Categories, each below one of the topics.
pub const CATEGORIES: usize = 60;
/// The moment before which everything was made, epoch seconds.
pub const NOW: i64 = 1_795_000_000;

const SEED: u64 = 0x5ea2_c4ed;
/// Different tags of a script.
const TAGS: u32 = 3_000;
const YEARS: i64 = 8 * 365 * 86_400;

/// One entry.
pub struct Film {
    pub number: usize,
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    pub category: usize,
    pub speakers: Vec<String>,
    pub release_date: i64,
    pub reference_id: Option<String>,
    pub media_type: i64,
    pub duration_s: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub plays: i64,
    pub views: i64,
    /// The words of title, tags and text, as often as they stand there.
    pub words: Vec<Word>,
    /// The words of the text, in their order.
    pub spoken: Vec<Word>,
}

/// The full name of a category.
pub fn category_name(category: usize) -> String {
    format!("{}>Shelf {category:02}", TOPICS[category % TOPICS.len()])
}

impl Film {
    /// The entry of this number.
    pub fn of(number: usize) -> Self {
        let mut rng = Rng::with_seed(SEED ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let script = script(&mut rng);
        let title: Vec<Word> = (0..rng.usize(2..8)).map(|_| drawn(script, script.size(), &mut rng)).collect();
        let spoken: Vec<Word> = (0..rng.usize(12..60)).map(|_| drawn(script, script.size(), &mut rng)).collect();
        let tags: Vec<Word> = (0..rng.usize(1..5)).map(|_| drawn(script, TAGS, &mut rng)).collect();
        let created_at = NOW - rng.i64(86_400..YEARS);
        let views = (50_000.0 * rng.f64().powi(4)) as i64;
        let duration_s = (20.0 * 400_f64.powf(rng.f64())) as i64;
        Self {
            number,
            name: capitalised(&joined(&title, script)),
            description: sentences(&spoken, script, &mut rng),
            tags: tags.iter().map(|word| word.text()).collect(),
            category: rng.usize(0..CATEGORIES),
            speakers: (0..rng.usize(0..3)).map(|_| speaker(&mut rng)).collect(),
            release_date: created_at - created_at % 86_400,
            reference_id: (rng.u32(0..5) == 0).then(|| format!("AV-{:06}", number % 1_000_000)),
            media_type: if rng.u32(0..10) == 0 { 5 } else { 1 },
            duration_s,
            created_at,
            updated_at: created_at + rng.i64(0..NOW - created_at),
            plays: (views as f64 * rng.f64()) as i64,
            views,
            words: title.iter().chain(&tags).chain(&spoken).copied().collect(),
            spoken,
        }
    }

    /// Its id. Scattered, as Kaltura's are.
    pub fn id(&self) -> String {
        id_of(self.number)
    }

    /// Its topic, the category's.
    pub fn topic(&self) -> &'static str {
        TOPICS[self.category % TOPICS.len()]
    }
}

/// The id of the entry of this number.
pub fn id_of(number: usize) -> String {
    format!("1_{:08x}", (number as u64).wrapping_mul(2_654_435_761) & 0xffff_ffff)
}

fn script(rng: &mut Rng) -> Script {
    let mut ticket = rng.u32(0..100);
    for (script, share) in SCRIPTS {
        if ticket < share {
            return script;
        }
        ticket -= share;
    }
    Script::English
}

/// A word of the `size` most used ones. The one of place n comes up about n times as rarely as the first.
fn drawn(script: Script, size: u32, rng: &mut Rng) -> Word {
    let place = (f64::from(size + 1).powf(rng.f64()) - 1.0) as u32;
    Word { script, place: place.min(size - 1) }
}

fn joined(words: &[Word], script: Script) -> String {
    words.iter().map(|word| word.text()).collect::<Vec<_>>().join(script.space())
}

fn sentences(words: &[Word], script: Script, rng: &mut Rng) -> String {
    let mut text = String::new();
    let mut rest = words;
    while !rest.is_empty() {
        let (sentence, others) = rest.split_at(rng.usize(6..16).min(rest.len()));
        text.push_str(&capitalised(&joined(sentence, script)));
        text.push_str(script.full_stop());
        rest = others;
    }
    text.trim_end().to_owned()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// One of some thousands.
fn speaker(rng: &mut Rng) -> String {
    let mut name = |size| capitalised(&drawn(Script::English, size, rng).text());
    format!("{} {}", name(200), name(TAGS))
}
