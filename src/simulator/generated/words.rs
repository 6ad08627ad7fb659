//! The texts of generated entries: words drawn by seed and number.

use std::sync::LazyLock;

use fastrand::Rng;

/// An entry's words, drawn.
pub(super) struct Words {
    rng: Rng,
    vocabulary: &'static [&'static str],
}

impl Words {
    pub(super) fn of(seed: u64, number: u64) -> Self {
        let rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        Self { rng, vocabulary: VOCABULARY.as_slice() }
    }

    pub(super) fn next(&mut self) -> &'static str {
        self.vocabulary[self.rng.usize(..self.vocabulary.len())]
    }

    pub(super) fn title(&mut self) -> String {
        let mut title = String::new();
        self.push_title(&mut title);
        title
    }

    fn push_title(&mut self, text: &mut String) {
        let word = self.next();
        text.push_str(&word[..1].to_ascii_uppercase());
        text.push_str(&word[1..]);
    }

    /// That many words, in sentences of a dozen.
    pub(super) fn sentences(&mut self, count: usize) -> String {
        const SENTENCE: usize = 12;
        let mut text = String::with_capacity(count * 9);
        for place in 0..count {
            if place.is_multiple_of(SENTENCE) {
                text.push_str(if place == 0 { "" } else { ". " });
                self.push_title(&mut text);
            } else {
                text.push(' ');
                text.push_str(self.next());
            }
        }
        text.push('.');
        text
    }
}

static VOCABULARY: LazyLock<Vec<&str>> = LazyLock::new(|| WORDS.split_whitespace().collect());

const WORDS: &str = "\
harbour lecture glacier museum orchestra bridge kitchen forest election satellite archive market violin copper \
lantern meadow printing tunnel island festival weaver bakery observatory canal theatre railway pottery \
mountain library garden stadium parliament lighthouse vineyard laboratory cathedral shipyard newspaper \
telescope windmill square station quarry aquarium monastery workshop academy marathon chess sculpture portrait \
mosaic compass voyage treaty harvest winter summer spring autumn morning evening river desert valley coast \
climate energy physics history language grammar algebra anatomy botany geology rhythm melody chorus recipe \
flour saffron basil football rowing cycling sailing skating interview report debate budget council mayor \
student teacher";
