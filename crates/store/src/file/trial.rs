//! Trials: the store on a disk that fails and loses power, checked against what was promised.

pub(crate) mod campaign;
mod clock;
pub(crate) mod corruption;
mod damage;
mod descriptors;
pub(crate) mod dice;
pub(crate) mod epoch;
pub(crate) mod failure;
mod faults;
pub(crate) mod forgery;
pub(crate) mod golden;
mod hold;
pub(crate) mod index;
pub(crate) mod judge;
pub(crate) mod line;
pub(crate) mod old;
pub(crate) mod patterns;
pub(crate) mod play;
pub(crate) mod power;
mod space;
mod stopped;
pub(crate) mod upgrade;
