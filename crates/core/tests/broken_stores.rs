//! The contract of stores catches broken stores: each kind of fault here is caught by the case that is named for it.
//!
//! A broken store is a sound [`MemoryStore`] with one fault. The same store without a fault passes every case.

#![allow(clippy::unwrap_used, clippy::panic)]

mod broken;

use std::sync::Arc;
use std::time::Duration;

use broken::{Fault, Faulty};
use tidings_core::contract::{Case, Failure, cases};

/// Long enough for every case on a busy machine.
const PATIENT: Duration = Duration::from_secs(60);
/// For stores that must hang. They are tried together.
const IMPATIENT: Duration = Duration::from_secs(3);

fn fails(fault: Fault, case: &str) {
    match Case::named(case).check(Arc::new(Faulty::new(fault)), PATIENT) {
        Err(Failure::Panicked(_)) => {}
        other => panic!("`{case}` did not catch a store with the fault {fault:?}: {other:?}"),
    }
}

fn hangs(fault: Fault, case: &str, call: &'static str) {
    match Case::named(case).check(Arc::new(Faulty::new(fault)), IMPATIENT) {
        Err(Failure::Hung { calls }) if calls.contains(&call) => {}
        other => panic!("`{case}` did not tell that `{call}` hangs with the fault {fault:?}: {other:?}"),
    }
}

#[test]
fn a_store_without_a_fault_passes_every_case() {
    for case in cases() {
        let outcome = case.check(Arc::new(Faulty::new(Fault::None)), PATIENT);
        assert_eq!(outcome, Ok(()), "{}", case.name());
    }
}

#[test]
fn stores_that_place_wrongly_are_caught() {
    fails(Fault::RepeatsAPlace, "places_are_consecutive_and_in_order");
    fails(Fault::Reorders, "places_are_consecutive_and_in_order");
    fails(Fault::ForgetsPartOfAnAppend, "places_are_consecutive_and_in_order");
    fails(Fault::ForgetsKeys, "a_key_is_placed_once");
    fails(Fault::TakesAnyDraftForTheKnownOne, "a_key_used_for_something_else_is_refused");
    fails(Fault::Interleaves, "drafts_of_an_append_stay_next_to_each_other_while_others_append");
    fails(Fault::LetsTimeGoBack, "times_never_go_back");
    fails(Fault::DropsTheEventType, "every_field_is_kept_to_the_byte");
    fails(Fault::TakesAStateForAnEvent, "every_field_is_kept_to_the_byte");
    fails(Fault::TakesAppendsAfterClose, "a_closed_store_refuses");
}

#[test]
fn stores_that_take_keys_and_batches_wrongly_are_caught() {
    const NOTHING: &str = "a_part_that_does_not_go_on_where_its_batch_stands_places_nothing";
    const CREDENTIALS: &str = "keys_of_two_credentials_never_meet";
    const CUT_OFF: &str = "a_batch_goes_back_to_what_an_epoch_left_of_it";

    fails(Fault::DropsWhatAPartSaysOfItsBatch, "what_a_part_says_of_its_batch_is_kept");
    fails(Fault::ForgetsBatches, NOTHING);
    fails(Fault::JudgesABatchByItsLastDraftAlone, NOTHING);
    fails(Fault::RefusesABatchThatItDoesNotKnow, "a_part_of_a_batch_that_the_store_does_not_know_is_placed");
    fails(Fault::GoesOnBehindACompleteBatch, "a_complete_batch_takes_no_more");
    fails(Fault::TakesAnyDraftForTheKnownOne, "a_batch_and_an_event_never_share_a_key");
    fails(Fault::IgnoresCredentials, CREDENTIALS);
    fails(Fault::JoinsCredentialAndKey, CREDENTIALS);
    fails(
        Fault::PlacesTwoPartsThatGoOnAtTheSamePlace,
        "a_batch_that_is_published_at_once_by_many_is_placed_once",
    );
    fails(Fault::KnowsTheFirstPartAloneWhenOpenedAgain, "a_batch_goes_on_after_a_restart");
    fails(Fault::ForgetsABatchWithItsFirstPart, "a_batch_is_known_as_long_as_its_newest_part_is_held");
    fails(Fault::KnowsPartsThatWereCutOff, CUT_OFF);
    fails(Fault::ForgetsABatchOfWhichAPartWasCutOff, CUT_OFF);
}

#[test]
fn stores_that_read_wrongly_are_caught() {
    const RESERVED: &str = "reserved_topics_are_read_by_selectors_that_name_them_and_by_everything_alone";

    fails(Fault::IgnoresSelectors, "selectors_choose_and_next_passes_the_others_over");
    fails(Fault::TakesTwoStarsForEverything, RESERVED);
    fails(Fault::TakesEverythingForTwoStars, RESERVED);
    fails(Fault::LastCountsReservedTopics, "last_counts_reserved_topics_only_for_selectors_that_match_them");
    fails(Fault::IgnoresEventsMax, "pages_join_without_hole_or_repeat");
    fails(Fault::IgnoresBytesMax, "a_page_is_bounded_in_bytes_but_never_empty_for_that");
    fails(Fault::SkipsOneBetweenPages, "pages_join_without_hole_or_repeat");
    fails(Fault::SinceIsOneLate, "since_begins_at_the_first_event_of_that_time");
    fails(Fault::LastIsOneShort, "last_counts_from_the_end_of_those_that_match");
    fails(Fault::AnswersUnknownIdsWithAPage, "an_id_that_looks_like_another_is_not_found");
    fails(Fault::AnswersPlacesAfterTheHeadWithAPage, "a_place_after_the_head_is_unknown");
    fails(Fault::AnswersExpiredWithAPage, "what_retention_took_is_expired_not_empty");
}

#[test]
fn stores_that_take_a_hold_wrongly_are_caught() {
    fails(Fault::HoldsNothing, "what_is_held_stays_until_it_is_released");
}

#[test]
fn stores_that_open_again_wrongly_are_caught() {
    const LIVES: &str = "each_life_that_appends_is_an_epoch_and_a_restart_is_no_gap";

    fails(Fault::LosesTheLastEventWhenOpenedAgain, "what_was_acknowledged_is_there_after_a_restart");
    fails(Fault::LosesTheLastEventWhenOpenedAgain, "places_go_on_after_a_restart");
    fails(Fault::ForgetsKeysWhenOpenedAgain, "keys_and_ids_are_known_after_a_restart");
    fails(Fault::KeepsTheEpochOfALostLog, "what_was_acknowledged_is_there_after_a_restart");
    fails(Fault::KeepsTheEpochOfTheLifeBefore, LIVES);
    fails(Fault::BeginsAnEpochWhenOpenedAgain, LIVES);
    fails(Fault::RefusesEveryPlaceOfAnOldEpoch, LIVES);
    fails(Fault::RenamesEventsToTheNewEpoch, LIVES);
}

#[test]
fn stores_whose_tails_are_wrong_are_caught() {
    fails(Fault::TailRepeatsABatch, "a_tail_hands_out_the_past_then_the_present");
    fails(Fault::TailReordersABatch, "a_tail_hands_out_the_past_then_the_present");
    fails(Fault::TailHidesReservedTopics, "a_tail_hands_out_reserved_topics_too");
    fails(Fault::TailLosesABatchWithADroppedWait, "a_wait_dropped_while_events_arrive_takes_nothing");
    fails(Fault::TailHandsOutEmptyBatches, "a_tail_waits_when_it_has_handed_out_everything");
    fails(Fault::TailEndsEarly, "a_tail_hands_out_the_past_then_the_present");
    fails(Fault::TailHidesALoss, "a_tail_that_falls_behind_further_than_it_keeps_is_told_what_it_lost");
    fails(Fault::TailHidesALoss, "a_tail_that_was_never_read_and_that_retention_overtakes_is_told");
    fails(Fault::TailKeepsNothing, "a_tail_that_kept_what_retention_took_misses_nothing");
    fails(Fault::TailTellsOfALossThatIsNone, "a_tail_that_keeps_up_hears_of_no_loss");
}

#[test]
fn stores_that_begin_an_epoch_wrongly_are_caught() {
    const PLACES: &str = "places_up_to_the_end_of_an_epoch_are_good_and_those_beyond_are_lost";

    fails(Fault::AnswersCutOffPlacesWithAPage, PLACES);
    fails(Fault::AnswersCutOffPlacesAsExpired, PLACES);
    fails(Fault::RefusesEveryPlaceOfAnOldEpoch, PLACES);
    fails(Fault::CutsOffOneTooMany, PLACES);
    fails(Fault::AnswersUnknownEpochsAsUnknownPlaces, "a_place_of_an_epoch_that_the_log_never_had_is_lost");
    fails(Fault::RenamesEventsToTheNewEpoch, "events_keep_the_epoch_in_which_they_were_written");
    fails(Fault::RemembersKeysThatWereCutOff, "ids_and_keys_of_events_that_were_cut_off_are_forgotten");
    fails(Fault::TailNeverTellsOfAnEpoch, "a_tail_is_told_of_a_new_epoch_before_its_first_event");
    fails(Fault::TailNeverTellsOfAnEpoch, "a_tail_that_is_behind_is_told_of_a_new_epoch");
    fails(Fault::TailNeverTellsOfAnEpoch, "a_tail_that_missed_the_announcement_is_told_of_a_new_epoch");
    fails(
        Fault::TailTellsOfAnEpochAfterItsFirstEvent,
        "a_tail_is_told_of_a_new_epoch_before_its_first_event",
    );
    fails(Fault::TailTellsTheWrongPlaceOfAnEpoch, "a_tail_is_told_of_a_new_epoch_before_its_first_event");
    fails(Fault::TailTellsTheWrongPlaceOfAnEpoch, "a_tail_is_told_of_two_epochs_the_second_further_back");
    fails(Fault::TailTellsOfAnEpochTwice, "a_tail_that_waits_is_told_of_a_new_epoch_without_an_event");
    fails(Fault::TailForgetsAnEpochWithADroppedWait, "a_wait_dropped_while_an_epoch_begins_takes_nothing");
}

#[test]
fn stores_that_hang_are_caught_and_the_message_names_the_call() {
    let hanging = [
        (Fault::AppendHangs, "places_are_consecutive_and_in_order", "append"),
        (Fault::ReadHangs, "pages_join_without_hole_or_repeat", "read"),
        (Fault::TailHangs, "a_tail_hands_out_the_past_then_the_present", "tail"),
        (Fault::NextHangs, "a_tail_hands_out_the_past_then_the_present", "next of a tail"),
        (Fault::CloseHangs, "a_closed_store_refuses", "close"),
        (Fault::OpenHangs, "an_empty_log_has_its_ends", "open"),
        (Fault::BoundsBlockTheirThread, "an_empty_log_has_its_ends", "bounds"),
        (Fault::TailSkipsABatch, "a_tail_hands_out_the_past_then_the_present", "next of a tail"),
        (
            Fault::TailNeverEnds,
            "a_tail_ends_when_the_store_is_closed_and_all_is_handed_out",
            "next of a tail",
        ),
    ];

    std::thread::scope(|scope| {
        let tried = hanging.map(|(fault, case, call)| scope.spawn(move || hangs(fault, case, call)));
        for one in tried {
            one.join().unwrap();
        }
    });
}
