//! `system`: is the server there, and what time has it.

use serde_json::Value;

use super::Context;
use crate::simulator::outcome::Outcome;

pub fn ping(_: &mut Context) -> Outcome {
    Ok(Value::Bool(true))
}

pub fn get_time(context: &mut Context) -> Outcome {
    Ok(Value::from(context.account.now()))
}
