//! Walks over the documents a query finds: the best of them, how many there are, how often which value is there.
//!
//! Every walk looks at the clock and ends early rather than late.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use tantivy::query::Weight;
use tantivy::{DocAddress, DocId, DocSet, SegmentReader, TERMINATED};

use super::filter::Filter;
use super::predicate::{self, Predicate};
use super::scope::Scope;
use crate::search::View;

/// What every walk needs.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    pub(super) view: &'a View,
    pub(super) scope: &'a Scope,
    pub(super) filters: &'a [Filter],
    /// When it has to end.
    pub(super) until: Instant,
}

/// Who is shown every document.
pub(super) trait Visitor {
    /// The documents that follow are of this segment.
    fn enter(&mut self, number: u32, segment: &SegmentReader) -> tantivy::Result<()>;
    /// One of them.
    fn see(&mut self, doc: DocId);
}

/// Documents between two looks at the clock.
const STRIDE: u32 = 4_096;

/// Tells now and then whether the time is over.
struct Patience {
    until: Instant,
    left: u32,
    is_over: bool,
}

impl Patience {
    fn new(until: Instant) -> Self {
        Self { until, left: STRIDE, is_over: false }
    }

    fn is_over(&mut self) -> bool {
        self.left -= 1;
        if self.left == 0 {
            self.left = STRIDE;
            self.is_over |= Instant::now() >= self.until;
        }
        self.is_over
    }
}

impl Walk<'_> {
    /// Whether every document that is alive passes.
    pub(super) fn is_open(&self) -> bool {
        self.filters.is_empty() && self.scope.only.is_none()
    }

    /// Documents that are not alive any more.
    pub(super) fn deleted(&self) -> u64 {
        self.view.searcher.segment_readers().iter().map(|segment| u64::from(segment.num_deleted_docs())).sum()
    }

    /// Each segment with what is asked of its documents.
    fn segments(&self) -> impl Iterator<Item = tantivy::Result<(u32, &SegmentReader, Option<Predicate>)>> {
        self.view.searcher.segment_readers().iter().zip(0..).map(|(segment, number)| {
            Ok((number, segment, predicate::of_segment(self.view, segment, self.filters, self.scope)?))
        })
    }

    /// Shows every document, in order; whether all were seen.
    pub(super) fn each(&self, weight: &dyn Weight, visitor: &mut dyn Visitor) -> tantivy::Result<bool> {
        let mut patience = Patience::new(self.until);
        for segment in self.segments() {
            let (number, segment, mut passes) = segment?;
            visitor.enter(number, segment)?;
            let mut scorer = weight.scorer(segment, 1.0)?;
            let mut doc = scorer.doc();
            while doc != TERMINATED {
                if patience.is_over() {
                    return Ok(false);
                }
                if passes.as_mut().is_none_or(|passes| passes(doc)) {
                    visitor.see(doc);
                }
                doc = scorer.advance();
            }
        }
        Ok(true)
    }

    /// How many documents there are, counted to `enough`, and whether that is all.
    pub(super) fn count(&self, weight: &dyn Weight, enough: usize) -> tantivy::Result<(usize, bool)> {
        let mut patience = Patience::new(self.until);
        let mut found = 0;
        for segment in self.segments() {
            let (_, segment, mut passes) = segment?;
            let mut scorer = weight.scorer(segment, 1.0)?;
            let mut doc = scorer.doc();
            while doc != TERMINATED {
                if passes.as_mut().is_none_or(|passes| passes(doc)) {
                    if found == enough {
                        return Ok((found, false));
                    }
                    found += 1;
                }
                if patience.is_over() {
                    return Ok((found, false));
                }
                doc = scorer.advance();
            }
        }
        Ok((found, true))
    }

    /// The `wanted` documents that score best after `after`, the best first. What cannot be among them is passed over without
    /// being scored, as far as the index's blocks tell.
    pub(super) fn best(
        &self,
        weight: &dyn Weight,
        wanted: usize,
        after: Option<&After<Score>>,
    ) -> tantivy::Result<Vec<(Score, DocAddress)>> {
        let mut best = Best::new(wanted, after);
        let mut patience = Patience::new(self.until);
        for segment in self.segments() {
            let (number, segment, mut passes) = segment?;
            if patience.is_over {
                break;
            }
            weight.for_each_pruning(best.threshold(), segment, &mut |doc, score| {
                if patience.is_over() {
                    return f32::INFINITY;
                }
                if passes.as_mut().is_none_or(|passes| passes(doc)) {
                    best.offer(Score(score), DocAddress::new(number, doc));
                }
                best.threshold()
            })?;
        }
        Ok(best.into_sorted())
    }
}

/// A score, larger is better. Ordered like numbers; none of them is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score(pub(super) f32);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Where a page goes on: behind this key, and among equals behind this document, if it is still there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct After<K> {
    pub(super) key: K,
    pub(super) document: Option<DocAddress>,
}

/// The best of what it is offered; a larger key is better, and among equals the earlier document.
pub(super) struct Best<'a, K> {
    wanted: usize,
    after: Option<&'a After<K>>,
    heap: BinaryHeap<Reverse<(K, Reverse<DocAddress>)>>,
}

impl<'a, K: Ord> Best<'a, K> {
    pub(super) fn new(wanted: usize, after: Option<&'a After<K>>) -> Self {
        Self { wanted, after, heap: BinaryHeap::with_capacity(wanted.min(1_024) + 1) }
    }

    pub(super) fn offer(&mut self, key: K, document: DocAddress) {
        let comes_after = self.after.is_none_or(|after| match (key.cmp(&after.key), after.document) {
            (std::cmp::Ordering::Less, _) | (std::cmp::Ordering::Equal, None) => true,
            (std::cmp::Ordering::Equal, Some(last)) => document > last,
            (std::cmp::Ordering::Greater, _) => false,
        });
        if !comes_after || self.wanted == 0 {
            return;
        }
        let offered = (key, Reverse(document));
        if self.heap.len() < self.wanted {
            self.heap.push(Reverse(offered));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && worst.0 < offered
        {
            *worst = Reverse(offered);
        }
    }

    /// The best first.
    pub(super) fn into_sorted(self) -> Vec<(K, DocAddress)> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse((key, Reverse(document)))| (key, document)).collect()
    }
}

impl Best<'_, Score> {
    /// What scores no more than this is not wanted any more.
    fn threshold(&self) -> f32 {
        if self.heap.len() < self.wanted {
            return f32::MIN;
        }
        self.heap.peek().map_or(f32::INFINITY, |Reverse((score, _))| score.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(wanted: usize, after: Option<&After<i32>>) -> Vec<(i32, u32)> {
        let mut best = Best::new(wanted, after);
        for (key, doc) in [(1, 0), (3, 1), (2, 2), (3, 3), (2, 4), (0, 5)] {
            best.offer(key, DocAddress::new(0, doc));
        }
        best.into_sorted().into_iter().map(|(key, document)| (key, document.doc_id)).collect()
    }

    #[test]
    fn the_best_come_first_and_among_equals_the_earlier() {
        assert_eq!(offered(4, None), [(3, 1), (3, 3), (2, 2), (2, 4)]);
        assert_eq!(offered(0, None), []);
        assert_eq!(offered(9, None).len(), 6);
    }

    #[test]
    fn a_page_goes_on_behind_the_last_of_the_one_before() {
        let after = |key, document: Option<u32>| After { key, document: document.map(|doc| DocAddress::new(0, doc)) };
        assert_eq!(offered(2, Some(&after(3, Some(3)))), [(2, 2), (2, 4)]);
        assert_eq!(offered(2, Some(&after(3, Some(1)))), [(3, 3), (2, 2)]);
        assert_eq!(offered(2, Some(&after(2, None))), [(2, 2), (2, 4)]);
        assert_eq!(offered(2, Some(&after(0, Some(5)))), []);
    }
}
