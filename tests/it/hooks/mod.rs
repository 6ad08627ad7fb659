//! Whom we tell: deliveries as a receiver meets them, through the hooks' own door.

mod bench;
mod commands;
mod sink;
mod urls;
