//! The house as its users meet it: one binary for all integration tests.

mod architecture;
