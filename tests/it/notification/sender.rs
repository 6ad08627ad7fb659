//! The simulator signs without knowing how we verify: the two check each other.

use kaltura_mirror::domain::ids::{NotificationId, PartnerId};
use kaltura_mirror::domain::secret::AdminSecret;
use kaltura_mirror::notification::hint::Hint;
use kaltura_mirror::simulator::sender::form::{body_multi, body_single};
use kaltura_mirror::simulator::sender::job::{Data, FieldValue, Job, Object, ObjectKind};
use proptest::prelude::*;

use super::recorded::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Names as they occur, and names that PHP takes for numbers. Both together still have one order.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Zé][a-z0-9_.\\[\\] é+&=%]{0,8}", "[0-9]{1,3}", "[+-]?0?[0-9]{1,2}(\\.5|e[0-2])?"]
}

fn job() -> impl Strategy<Value = Job> {
    let field =
        (name(), "\\PC{0,20}").prop_map(|(name, value)| (name.into_bytes(), FieldValue::Text(value.into_bytes())));
    let entry_id = "[0-9]_[a-z0-9]{8}";
    (1..i64::MAX, entry_id, prop::collection::vec(field, 0..12)).prop_map(|(id, entry_id, fields)| Job {
        id: NotificationId(id),
        partner_id: PARTNER,
        kind: "entry_update".to_owned(),
        puser_id: "editor@example.test".to_owned(),
        object: Some(Object { kind: ObjectKind::Entry, id: entry_id }),
        data: Data::Fields(fields),
    })
}

fn hints(body: &str, partner: PartnerId) -> Vec<Hint> {
    judge(body.as_bytes(), partner, SECRET).unwrap_or_else(|rejected| panic!("{rejected}")).0.hints()
}

fn told(hint: &Hint) -> (NotificationId, String) {
    (hint.notification_id.unwrap(), hint.entry_id.as_ref().unwrap().to_string())
}

fn given(job: &Job) -> (NotificationId, String) {
    (job.id, job.object.as_ref().unwrap().id.clone())
}

/// Only the last item's names are listed in `signed_fields`; those of the others are signed all the same.
#[test]
fn a_name_with_brackets_is_taken_as_it_is_in_any_item_of_a_multi() {
    let bracketed = |id| {
        let job = Job::about_entry(NotificationId(id), PARTNER, "entry_update", "0_e1");
        job.with_fields([("m[k]", "1"), ("e[f", "2")])
    };
    let body = body_multi(&[bracketed(1), bracketed(2)], &AdminSecret::new(SECRET));
    assert_eq!(hints(&body, PARTNER).len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_the_simulator_signs_is_accepted_whatever_the_fields(job in job()) {
        let hints = hints(&body_single(&job, &AdminSecret::new(SECRET)), PARTNER);
        prop_assert_eq!(hints.iter().map(told).collect::<Vec<_>>(), [given(&job)]);
    }

    #[test]
    fn a_multi_of_the_simulator_tells_of_every_job(jobs in prop::collection::vec(job(), 1..13)) {
        let hints = hints(&body_multi(&jobs, &AdminSecret::new(SECRET)), PARTNER);
        prop_assert_eq!(hints.iter().map(told).collect::<Vec<_>>(), jobs.iter().map(given).collect::<Vec<_>>());
    }

    #[test]
    fn a_job_sent_alone_and_again_in_a_multi_has_the_same_key(job in job(), other in job()) {
        let secret = AdminSecret::new(SECRET);
        let alone = hints(&body_single(&job, &secret), PARTNER);
        let again = hints(&body_multi(&[other, job], &secret), PARTNER);
        prop_assert_eq!(alone[0].item_sha256, again[1].item_sha256);
    }
}
