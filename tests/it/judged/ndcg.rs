//! How good an order of hits is: discounted gain of the first ten, as a share of what the best order would give.

use std::collections::BTreeMap;

use kaltura_mirror::domain::ids::EntryId;

use super::judgements::Judgement;

/// Hits that count.
pub const DEPTH: usize = 10;

/// From 0 to 1, the worth of these hits, best first, for a judged query.
///
/// A hit that would be wrong makes it 0, wherever it stands; where nothing must be found, so does any hit.
pub fn of(judgement: &Judgement, hits: &[EntryId]) -> f64 {
    if judgement.nothing {
        return if hits.is_empty() { 1.0 } else { 0.0 };
    }
    if hits.iter().any(|hit| judgement.never.contains(hit)) {
        return 0.0;
    }
    let grades = |hits: &[EntryId]| hits.iter().map(|hit| grade(&judgement.grades, hit)).collect::<Vec<_>>();
    let mut ideal: Vec<u32> = judgement.grades.values().copied().collect();
    ideal.sort_by(|one, other| other.cmp(one));
    gain(&grades(hits)) / gain(&ideal)
}

fn grade(grades: &BTreeMap<EntryId, u32>, hit: &EntryId) -> u32 {
    grades.get(hit).copied().unwrap_or_default()
}

fn gain(grades: &[u32]) -> f64 {
    let at = |(place, grade): (usize, &u32)| f64::from(2_u32.pow(*grade) - 1) / (place as f64 + 2.0).log2();
    grades.iter().take(DEPTH).enumerate().map(at).fold(0.0, |sum, gain| sum + gain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(letter: &str) -> EntryId {
        format!("0_{letter:0>8}").parse().unwrap()
    }

    fn judgement(grades: &[(&str, u32)], never: &[&str]) -> Judgement {
        Judgement {
            class: "a class".into(),
            query: "a query".into(),
            grades: grades.iter().map(|(id, grade)| (entry(id), *grade)).collect(),
            never: never.iter().map(|id| entry(id)).collect(),
            nothing: grades.is_empty(),
        }
    }

    fn worth(judgement: &Judgement, hits: &[&str]) -> f64 {
        of(judgement, &hits.iter().map(|hit| entry(hit)).collect::<Vec<_>>())
    }

    #[test]
    fn the_best_order_is_worth_one_and_a_worse_one_less() {
        let judged = judgement(&[("a", 3), ("b", 2), ("c", 1)], &[]);
        assert!((worth(&judged, &["a", "b", "c"]) - 1.0).abs() < 1e-9);
        assert!((worth(&judged, &["a", "b", "c", "x"]) - 1.0).abs() < 1e-9);
        // (1 + 3 / log2(3) + 7 / 2) / (7 + 3 / log2(3) + 1 / 2)
        assert!((worth(&judged, &["c", "b", "a"]) - 0.680_606_8).abs() < 1e-6);
        assert!((worth(&judged, &["x", "a"]) - 7.0 / 3f64.log2() / 9.392_789_26).abs() < 1e-6);
        assert!(worth(&judged, &[]) == 0.0);
    }

    #[test]
    fn what_stands_after_the_tenth_place_counts_nothing() {
        let judged = judgement(&[("a", 3)], &[]);
        let hits = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "a"];
        assert!(worth(&judged, &hits) == 0.0);
        assert!(worth(&judged, &hits[1..]) > 0.0);
    }

    #[test]
    fn a_wrong_hit_is_worth_nothing_wherever_it_stands() {
        let judged = judgement(&[("a", 3)], &["b"]);
        assert!(worth(&judged, &["a", "c", "b"]) == 0.0);
        assert!(worth(&judgement(&[], &[]), &[]) == 1.0);
        assert!(worth(&judgement(&[], &[]), &["a"]) == 0.0);
    }
}
