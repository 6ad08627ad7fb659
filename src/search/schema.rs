//! The index's fields: what each holds, how it is analysed, what it is good for.
//!
//! Nothing of an entry is stored here but its key; a hit is read again from the store. A member that is not published is in no
//! field, so nothing of it can be asked, counted or sorted by.

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, JsonObjectOptions, NumericOptions, STRING, Schema, TextFieldIndexing,
    TextOptions,
};
use tantivy::tokenizer::TokenizerManager;

use super::analysis::Analysis;
use super::tokenizers::{Paths, Values, Words};

/// Raised whenever documents are made otherwise than before; an index of another form is rebuilt.
pub(super) const FORM: u32 = 2;

/// Every field. Copies are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// `account/entry id`, as it is: one document has it ([`super::key`]). Term; and text column, by which hits are known.
    pub key: Field,
    /// Our number of the account. Term and column (u64).
    pub account: Field,
    /// Title: words with stems, positions and length.
    pub name: Field,
    /// Tags: each one's words as in `name`, and each whole ([`super::analysis::WHOLE`]); text column of the tags as written.
    pub tags: Field,
    /// All published custom-metadata values together: words as in `name`.
    pub metadata: Field,
    /// Text below the title: words as in `name`.
    pub description: Field,
    /// All cues, one caption after another: words as in `name`.
    pub captions: Field,
    /// Words of the entry id and the reference id: whole and by part, without positions.
    pub identifiers: Field,
    /// Full paths of categories: words as in `name`, and whole each path and each one above it.
    pub categories: Field,
    /// Text column: the paths and those above them, as written. For facets.
    pub category_paths: Field,
    /// JSON object, a member a published custom-metadata field. Text and list values: words, and each whole value up to
    /// [`VALUE_MAX_BYTES`], both as terms under the member's path; and a text column of the values as written. Dates (epoch
    /// seconds) and whole numbers: i64 terms and column; others f64.
    pub fields: Field,
    /// The website's own id whole, folded ([`crate::domain::folding::fold_value`]): term and text column.
    pub reference_id: Field,
    /// Kaltura's `type` as written: term and text column.
    pub kind: Field,
    /// Kaltura's media type (1 video, 2 image, 5 audio, 201-204 live): term and column (i64).
    pub media_type: Field,
    /// Seconds: column (i64).
    pub duration: Field,
    /// Epoch seconds: column (i64).
    pub created_at: Field,
    /// Epoch seconds: column (i64).
    pub updated_at: Field,
    /// Epoch seconds: column (i64).
    pub start_date: Field,
    /// Epoch seconds: column (i64).
    pub end_date: Field,
    /// Times played: column (i64).
    pub plays: Field,
    /// Of a live entry, `true` on the air and `false` off it: term and text column.
    pub is_live: Field,
    /// The beginning of the folded title: text column, for sorting.
    pub name_order: Field,
}

/// Longer custom-metadata values are found by their words only: they are no terms or facets of their own.
pub const VALUE_MAX_BYTES: usize = 256;
/// Characters of the folded title by which entries are sorted.
pub const NAME_ORDER_CHARS: usize = 32;

/// The schema, and the handles of its fields.
pub fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let number = NumericOptions::default().set_fast();
    let fields = Fields {
        key: builder.add_text_field("key", STRING | FAST),
        account: builder.add_u64_field("account", INDEXED | FAST),
        name: builder.add_text_field("name", text(Words::NAME)),
        tags: builder.add_text_field("tags", text(Values::NAME).set_fast(AS_WRITTEN)),
        metadata: builder.add_text_field("metadata", text(Words::NAME)),
        description: builder.add_text_field("description", text(Words::NAME)),
        captions: builder.add_text_field("captions", text(Words::NAME)),
        identifiers: builder.add_text_field("identifiers", identifiers()),
        categories: builder.add_text_field("categories", text(Paths::NAME)),
        category_paths: builder.add_text_field("category_paths", TextOptions::default().set_fast(AS_WRITTEN)),
        fields: builder.add_json_field("fields", members()),
        reference_id: builder.add_text_field("reference_id", STRING | FAST),
        kind: builder.add_text_field("type", STRING | FAST),
        media_type: builder.add_i64_field("media_type", INDEXED | FAST),
        duration: builder.add_i64_field("duration", number.clone()),
        created_at: builder.add_i64_field("created_at", number.clone()),
        updated_at: builder.add_i64_field("updated_at", number.clone()),
        start_date: builder.add_i64_field("start_date", number.clone()),
        end_date: builder.add_i64_field("end_date", number.clone()),
        plays: builder.add_i64_field("plays", number),
        is_live: builder.add_text_field("is_live", STRING | FAST),
        name_order: builder.add_text_field("name_order", TextOptions::default().set_fast(AS_WRITTEN)),
    };
    (builder.build(), fields)
}

/// The analysers that the schema names, as `analysis` makes words.
pub(super) fn tokenizers(analysis: &Analysis) -> TokenizerManager {
    let known = TokenizerManager::default();
    known.register(Words::NAME, Words::new(analysis));
    known.register(Values::NAME, Values::new(analysis));
    known.register(Paths::NAME, Paths::new(analysis));
    known
}

/// The library's own analyser that changes nothing.
const AS_WRITTEN: &str = "raw";

fn text(analyser: &str) -> TextOptions {
    let indexing = TextFieldIndexing::default().set_tokenizer(analyser);
    TextOptions::default().set_indexing_options(indexing.set_index_option(IndexRecordOption::WithFreqsAndPositions))
}

fn identifiers() -> TextOptions {
    let indexing = TextFieldIndexing::default().set_tokenizer(Words::NAME).set_fieldnorms(false);
    TextOptions::default().set_indexing_options(indexing.set_index_option(IndexRecordOption::Basic))
}

fn members() -> JsonObjectOptions {
    let indexing = TextFieldIndexing::default().set_tokenizer(Values::NAME);
    JsonObjectOptions::default()
        .set_indexing_options(indexing.set_index_option(IndexRecordOption::WithFreqsAndPositions))
        .set_fast(AS_WRITTEN)
}
