//! Budgets of bytes: how much all requests together may hold in memory, such as the bodies that come in.
//!
//! A [`Budget`] lends bytes. They are given back when what was lent, a [`Taken`], is dropped. A newcomer that finds no
//! room waits, in the order of arrival, and meanwhile the slowest holders are asked to end. A holder can only be asked
//! while it lets itself be watched, because it waits for its peer: then its [`Pace`](pace::Pace) is known.
//!
//! A budget knows neither what is held nor how it moves.

#[expect(clippy::module_inception, reason = "the budget itself; its parts stand beside it")]
mod budget;
mod holders;
mod pace;
mod taken;
#[cfg(test)]
mod tests;

pub(crate) use budget::Budget;
pub(crate) use taken::{NotGrown, Slow, Taken};
