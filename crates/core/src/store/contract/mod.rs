//! What every store must do, as one suite of cases.
//!
//! A store's crate writes a [`Fixture`] and calls [`contract_tests!`](crate::contract_tests); each case is then a
//! test of its own there. [`cases`] is the same suite as a list. A case opens the store afresh, so cases know nothing
//! of each other, and each has a [`DEADLINE`]: a store that hangs fails, and the message names the call that hung.
//!
//! `docs/guides/writing-a-store.md` shows how to use it.

// These are tests that live in a library because other crates run them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

pub mod batches;
mod case;
pub mod epochs;
pub mod fixture;
pub mod following;
pub mod lasting;
pub mod placing;
pub mod reading;
mod watched;

pub use case::{Case, DEADLINE, Failure, cases};
pub use fixture::{Fixture, ManualClock};

/// Makes a test of each case of the contract. The argument is an expression that makes a new, empty [`Fixture`].
#[macro_export]
macro_rules! contract_tests {
    ($fixture:expr) => {
        $crate::contract_tests! { @each tests ($fixture) }
    };
    // Hands the list of cases, which stands here alone, to one of the rules below.
    (@each $what:ident ($($fixture:expr)?)) => {
        $crate::contract_tests! { @$what ($($fixture)?)
            placing::an_empty_log_has_its_ends,
            placing::places_are_consecutive_and_in_order,
            placing::an_append_of_nothing_places_nothing,
            placing::every_field_is_kept_to_the_byte,
            placing::times_never_go_back,
            placing::a_key_is_placed_once,
            placing::a_key_used_for_something_else_is_refused,
            placing::a_key_repeated_within_one_append_is_placed_once,
            placing::concurrent_appends_are_all_placed_once_and_in_their_own_order,
            placing::drafts_of_an_append_stay_next_to_each_other_while_others_append,
            placing::a_closed_store_refuses,
            batches::what_a_part_says_of_its_batch_is_kept,
            batches::a_part_that_goes_on_where_its_batch_stands_is_placed,
            batches::a_part_that_does_not_go_on_where_its_batch_stands_places_nothing,
            batches::a_part_of_a_batch_that_the_store_does_not_know_is_placed,
            batches::a_complete_batch_takes_no_more,
            batches::a_batch_and_an_event_never_share_a_key,
            batches::keys_of_two_credentials_never_meet,
            batches::a_batch_that_is_published_at_once_by_many_is_placed_once,
            batches::a_batch_goes_on_after_a_restart,
            batches::a_batch_is_known_as_long_as_its_newest_part_is_held,
            batches::a_batch_goes_back_to_what_an_epoch_left_of_it,
            reading::pages_join_without_hole_or_repeat,
            reading::a_page_of_no_events_tells_its_place,
            reading::a_page_is_bounded_in_bytes_but_never_empty_for_that,
            reading::selectors_choose_and_next_passes_the_others_over,
            reading::a_place_after_the_head_is_unknown,
            reading::a_place_at_the_last_number_of_all_is_lost,
            reading::an_id_is_found_at_its_earliest_matching_event,
            reading::an_id_that_looks_like_another_is_not_found,
            reading::since_begins_at_the_first_event_of_that_time,
            reading::last_counts_from_the_end_of_those_that_match,
            reading::reserved_topics_are_read_by_selectors_that_name_them_and_by_everything_alone,
            reading::last_counts_reserved_topics_only_for_selectors_that_match_them,
            following::a_tail_hands_out_the_past_then_the_present,
            following::a_tail_hands_out_reserved_topics_too,
            following::a_tail_misses_nothing_while_appends_run,
            following::a_tail_may_be_slow,
            following::a_tail_ends_when_the_store_is_closed_and_all_is_handed_out,
            following::a_dropped_wait_takes_nothing,
            following::a_wait_dropped_while_events_arrive_takes_nothing,
            following::a_tail_waits_when_it_has_handed_out_everything,
            lasting::what_was_acknowledged_is_there_after_a_restart,
            lasting::places_go_on_after_a_restart,
            lasting::each_life_that_appends_is_an_epoch_and_a_restart_is_no_gap,
            lasting::a_topic_of_more_segments_than_publishers_may_use_is_read_back,
            lasting::keys_and_ids_are_known_after_a_restart,
            lasting::what_retention_took_is_expired_not_empty,
            lasting::what_is_held_stays_until_it_is_released,
            lasting::a_tail_that_was_never_read_and_that_retention_overtakes_is_told,
            lasting::a_tail_that_falls_behind_further_than_it_keeps_is_told_what_it_lost,
            lasting::a_tail_that_kept_what_retention_took_misses_nothing,
            lasting::a_tail_that_keeps_up_hears_of_no_loss,
            epochs::a_tail_is_told_of_a_new_epoch_before_its_first_event,
            epochs::a_tail_that_waits_is_told_of_a_new_epoch_without_an_event,
            epochs::a_tail_that_is_behind_is_told_of_a_new_epoch,
            epochs::a_tail_that_missed_the_announcement_is_told_of_a_new_epoch,
            epochs::a_tail_is_told_of_two_epochs_the_second_further_back,
            epochs::a_tail_is_told_of_two_epochs_the_second_further_on,
            epochs::a_tail_is_told_of_two_epochs_the_second_without_an_event,
            epochs::a_tail_that_missed_two_announcements_is_told_of_both_epochs,
            epochs::a_wait_dropped_while_an_epoch_begins_takes_nothing,
            epochs::places_up_to_the_end_of_an_epoch_are_good_and_those_beyond_are_lost,
            epochs::a_place_of_an_epoch_that_the_log_never_had_is_lost,
            epochs::events_keep_the_epoch_in_which_they_were_written,
            epochs::ids_and_keys_of_events_that_were_cut_off_are_forgotten,
        }
    };
    (@tests ($fixture:expr) $($module:ident :: $case:ident,)*) => {
        $(
            #[test]
            fn $case() {
                let fixture = ::std::sync::Arc::new($fixture);
                $crate::contract::Case::named(stringify!($case)).test(fixture);
            }
        )*
    };
    (@list () $($module:ident :: $case:ident,)*) => {
        vec![$($crate::contract::Case::new(stringify!($case), |fixture| {
            Box::pin($crate::contract::$module::$case(fixture))
        })),*]
    };
}
