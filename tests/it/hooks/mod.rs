//! Whom we tell: deliveries as a receiver meets them, through the hooks' own door and through the whole house.

mod bench;
mod commands;
mod examples;
mod operators;
mod sink;
mod urls;
mod whole_house;
