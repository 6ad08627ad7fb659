//! The change feed: what its readers are promised.
//!
//! | file | what is promised |
//! |---|---|
//! | `model` | whoever applies everything ends with the public mirror: at the store's door, in any order of what can happen |

mod model;
