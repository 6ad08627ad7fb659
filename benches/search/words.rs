//! Made-up words of several scripts, each with its place in the order of how often it is used.
//!
//! A word is a number written in syllables, so that two places never give the same word. What is used often is short, as in
//! real languages; among the long ones neighbours a letter apart are rare.

/// A way of writing, with a vocabulary of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Script {
    /// Plain Latin letters.
    English,
    /// Latin letters with umlauts and accents.
    Accented,
    Cyrillic,
    Greek,
    Arabic,
    /// Written without spaces.
    Han,
    /// Written without spaces.
    Kana,
    /// Written without spaces.
    Thai,
}

use Script::{Accented, Arabic, Cyrillic, English, Greek, Han, Kana, Thai};

/// Every script, and how many entries of a hundred are written in it.
pub const SCRIPTS: [(Script, u32); 8] =
    [(English, 45), (Accented, 22), (Cyrillic, 10), (Greek, 4), (Arabic, 5), (Han, 7), (Kana, 4), (Thai, 3)];

/// A word: its script and its place, 0 for the one that is used most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word {
    pub script: Script,
    pub place: u32,
}

impl Script {
    /// Words it has.
    pub const fn size(self) -> u32 {
        match self {
            English | Accented => 120_000,
            Cyrillic => 60_000,
            Greek | Arabic | Kana | Thai => 20_000,
            Han => 30_000,
        }
    }

    /// Between two words.
    pub const fn space(self) -> &'static str {
        match self {
            Han | Kana | Thai => "",
            _ => " ",
        }
    }

    /// At the end of a sentence.
    pub const fn full_stop(self) -> &'static str {
        match self {
            Han | Kana => "。",
            Thai => " ",
            _ => ". ",
        }
    }

    const fn letters(self) -> (&'static str, &'static str) {
        match self {
            English => ("bcdfghklmnprstvw", "aeiou"),
            Accented => ("bdfgklmnprstzç", "aäeéöiuü"),
            Cyrillic => ("бвгджзклмнпрстфхчш", "аеиоуыяё"),
            Greek => ("βγδζθκλμνπρστφχψ", "αάεηιίοω"),
            Arabic => ("بتثجحخدذرزسشصضطظعغفقكلمنهو", "اوي"),
            Han | Kana | Thai => ("", ""),
        }
    }
}

impl Word {
    /// As it is written, in lower case.
    pub fn text(self) -> String {
        let place = u64::from(self.place);
        match self.script {
            Han => characters(place, &[(0x4e00, 1200), (0x6000, 1200)]),
            Kana if self.place.is_multiple_of(3) => characters(place, &[(0x30a2, 80), (0x30a2, 80), (0x30a2, 80)]),
            Kana => characters(place, &[(0x5200, 700), (0x3042, 70), (0x3042, 70)]),
            Thai => thai(place),
            script => syllables(place, script.letters()),
        }
    }
}

/// How many syllables a word of this place has: the hundred most used two, then three, most of them four.
fn length(place: u64) -> u32 {
    match place {
        0..100 => 2,
        100..3_000 => 3,
        _ => 4,
    }
}

fn syllables(place: u64, (consonants, vowels): (&str, &str)) -> String {
    let (consonants, vowels): (Vec<char>, Vec<char>) = (consonants.chars().collect(), vowels.chars().collect());
    let (first, second) = (consonants.len() as u64, vowels.len() as u64);
    let length = length(place);
    let mut rest = scattered(place, (first * second).pow(length));
    let mut text = String::new();
    for _ in 0..length {
        text.push(consonants[(rest % first) as usize]);
        rest /= first;
        text.push(vowels[(rest % second) as usize]);
        rest /= second;
    }
    text
}

/// One character of each range.
fn characters(place: u64, ranges: &[(u32, u64)]) -> String {
    let mut rest = scattered(place, ranges.iter().map(|(_, size)| size).product());
    let mut text = String::new();
    for (first, size) in ranges {
        text.extend(char::from_u32(first + (rest % size) as u32));
        rest /= size;
    }
    text
}

fn thai(place: u64) -> String {
    const VOWELS: [&str; 7] = ["า", "ี", "ู", "ิ", "ั", "่อ", "้"];
    let mut rest = scattered(place, (40 * 7_u64).pow(3));
    let mut text = String::new();
    for _ in 0..3 {
        text.extend(char::from_u32(0x0e01 + (rest % 40) as u32));
        rest /= 40;
        text.push_str(VOWELS[(rest % 7) as usize]);
        rest /= 7;
    }
    text
}

/// Another number below `all` for each: neighbours in use are no neighbours in writing.
fn scattered(place: u64, all: u64) -> u64 {
    // A prime that divides none of the sizes, so that nothing is hit twice.
    const STEP: u64 = 1_000_000_007;
    place.wrapping_mul(STEP) % all
}
