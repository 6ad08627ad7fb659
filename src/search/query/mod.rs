//! Asking: what a visitor types, and what the index and the store answer to it.
//!
//! ```text
//! Asked ─► Request          words.rs, filter.rs, order.rs   what was written, understood; every error has its place
//!       ─► slots            slots.rs                        what must be in an entry
//!       ─► Plan             expand.rs, plan.rs              what stands for it in the index, and what that weighs
//!       ─► Found            find.rs, collect.rs, facets.rs  documents, counts
//!       ─► Answer           answer.rs                       read again from the store, marked, cut
//! ```

mod answer;
mod categories;
mod collect;
mod columns;
mod cursor;
mod dictionary;
mod door;
mod error;
mod expand;
mod facets;
mod fields;
mod filter;
mod find;
mod highlight;
pub mod limits;
mod order;
mod places;
mod plan;
mod predicate;
mod related;
mod request;
mod scope;
mod slots;
mod suggest;
mod words;

pub use answer::{Answer, Told};
pub use categories::Category;
pub use door::{Error, Searching};
pub use error::{Parameter, QueryError, Span};
pub use highlight::MARK;
pub use request::{Asked, LIMIT_DEFAULT};
pub use suggest::Suggestion;
