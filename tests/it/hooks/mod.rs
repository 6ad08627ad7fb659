//! Whom we tell: deliveries as a receiver meets them, through the hooks' own door and through the whole house.

mod bench;
mod commands;
mod down;
mod examples;
mod forwards;
mod operators;
mod urls;
mod whole_house;

use kaltura_mirror::simulator::sink::Received;

/// A request that is a delivery.
trait Delivered {
    /// Its id.
    fn id(&self) -> &str;
}

impl Delivered for Received {
    fn id(&self) -> &str {
        self.header("webhook-id").expect("a delivery has an id")
    }
}
