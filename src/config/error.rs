//! What is wrong with a configuration.
//!
//! There is one decision a caller can make, to stop with exit code 2, so there is one error: a list of problems.

use std::fmt;

use super::section::Origin;

/// One problem: where, which key, what is wrong, what to do. Never a secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file (and line) or the variable.
    pub place: Origin,
    /// Dotted, for example `server.listen`; `None` when the file itself is the problem.
    pub key: Option<String>,
    /// What is wrong and the cure, after the key.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(key) = &self.key {
            f.write_str(key)?;
        }
        f.write_str(&self.message)
    }
}

/// A configuration that cannot be used; prints one problem a line, in the order of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Vec<Problem>);

impl Error {
    /// What is wrong, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Vec<Problem>> for Error {
    fn from(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        Self(problems)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
