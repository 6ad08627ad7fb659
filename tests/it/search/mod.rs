//! The search index: what it holds, and that it comes to hold that whatever happens.
//!
//! | file | what is promised |
//! |---|---|
//! | `following` | changes are found soon; restarts go on where they were |
//! | `anew` | what cannot go on is made anew: missing, damaged, older, elsewhere, overtaken, told otherwise |
//! | `fields` | what is indexed of an entry, as what; and nothing of what is withheld or not published |
//! | `model` | the index is the public mirror after any sequence of what can happen |
//! | `kill` | a daemon killed at any moment loses and repeats nothing |
//! | `beside` | the daemon, its commands and its operators |

mod anew;
mod beside;
mod contents;
mod fields;
mod following;
mod kill;
mod model;
mod place;
