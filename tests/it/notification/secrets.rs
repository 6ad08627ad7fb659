//! Whose message it is: several accounts, several secrets, and what makes two notifications the same.

use kaltura_mirror::domain::ids::{AccountId, PartnerId};
use kaltura_mirror::domain::secret::SecretLabel;
use kaltura_mirror::notification::rejected::{Answer, Rejected};
use kaltura_mirror::notification::secrets::{NotificationSecret, SecretSet};
use md5::{Digest, Md5};

use super::recorded::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn labelled(account: i64, partner: i64, name: &str, text: &str) -> NotificationSecret {
    let label = SecretLabel(format!("{partner}/{name}"));
    NotificationSecret { label, ..secret(account, PartnerId(partner), text) }
}

fn set(secrets: Vec<NotificationSecret>) -> SecretSet {
    SecretSet::new(secrets).unwrap()
}

/// Signs the fields as the sender does, for names that need no encoding.
fn signed(fields: &[(&str, &str)], secret: &str) -> Vec<u8> {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let mut hash = Md5::new_with_prefix(secret);
    sorted.iter().for_each(|(name, value)| hash.update(format!("{name}{value}")));
    let sig: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let body: String = fields.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    format!("{body}sig={sig}").into_bytes()
}

/// A delete of an entry, as a single message.
fn delete(id: &str, partner: &str, entry: &str) -> Vec<u8> {
    let list = "notification_id,notification_type,puser_id,partner_id,entry_id,signed_fields,";
    let fields = [
        ("notification_id", id),
        ("notification_type", "entry_delete"),
        ("puser_id", ""),
        ("partner_id", partner),
        ("entry_id", entry),
        ("signed_fields", list),
    ];
    signed(&fields, SECRET)
}

/// Two deletes in one message.
fn two_deletes(first: [&str; 3], second: [&str; 3]) -> Vec<u8> {
    let names = ["notification_id", "partner_id", "entry_id", "notification_type", "puser_id"];
    let name_of = |item: u32, name: &str| format!("not{item}_{name}");
    let mut fields: Vec<(String, &str)> = Vec::new();
    for (item, values) in [(1, first), (2, second)] {
        let values = values.into_iter().chain(["entry_delete", ""]);
        fields.extend(names.iter().zip(values).map(|(name, value)| (name_of(item, name), value)));
    }
    let list: String = names.iter().map(|name| name_of(2, name) + ",").collect::<String>() + "signed_fields,";
    let flags = [("signed_fields", list.as_str()), ("multi_notification", "true"), ("number_of_notifications", "2")];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), *value)).chain(flags).collect();
    signed(&fields, SECRET)
}

#[test]
fn any_of_an_accounts_secrets_may_sign_and_the_verdict_says_which() {
    let secrets = set(vec![
        labelled(1, 101, "admin_secret", "another"),
        labelled(2, 102, "admin_secret", "old"),
        labelled(2, 102, "template-7", SECRET),
    ]);
    let (_, signer) = judge_as(Some(FORM), &delete("1", "102", "0_e1"), &secrets).unwrap();
    assert_eq!((signer.account.account, signer.label.0.as_str()), (AccountId(2), "102/template-7"));
}

#[test]
fn a_good_signature_for_another_partner_is_refused_in_any_item() {
    let secrets = || set(vec![labelled(1, 101, "admin_secret", "another"), labelled(2, 102, "admin_secret", SECRET)]);
    let refused = |body: &[u8]| judge_as(Some(FORM), body, &secrets()).unwrap_err();
    let expected = |found| Rejected::WrongPartner {
        label: SecretLabel("102/admin_secret".into()),
        expected: PartnerId(102),
        found: PartnerId(found),
    };
    assert_eq!(refused(&delete("1", "101", "0_e1")), expected(101));
    assert_eq!(refused(&delete("1", "7", "0_e1")), expected(7));
    assert_eq!(refused(&two_deletes(["1", "102", "0_e1"], ["2", "101", "0_e2"])), expected(101));
    let rejected = expected(101);
    assert_eq!(
        (rejected.reason(), rejected.answer(), rejected.is_well_formed()),
        ("wrong_partner", Answer::Forbidden, true)
    );
}

#[test]
fn a_wrong_secret_can_be_repaired_only_for_a_partner_we_know() {
    let judged = |partner: &str| judge(&delete("1", partner, "0_e1"), PartnerId(102), "wrong").unwrap_err();
    assert_eq!(judged("102"), Rejected::BadSignature { partner: Some(PartnerId(102)), configured: true });
    assert_eq!(judged("103"), Rejected::BadSignature { partner: Some(PartnerId(103)), configured: false });
    assert!(judged("102").is_well_formed() && !judged("103").is_well_formed());
}

#[test]
fn a_notification_sent_again_alone_or_in_a_multi_has_the_same_key() {
    let hints = |body: &[u8]| judge(body, PartnerId(102), SECRET).unwrap().0.hints();
    let alone = hints(&delete("8", "102", "0_e2"))[0].dedupe_key(AccountId(1)).unwrap();
    let again = hints(&two_deletes(["7", "102", "0_e1"], ["8", "102", "0_e2"]))[1].dedupe_key(AccountId(1)).unwrap();
    assert_eq!(alone, again);
    let key = alone.to_string();
    assert!(key.starts_with("1/api/8/") && key.len() == 8 + 64, "{key}");
}

#[test]
fn another_account_number_or_content_makes_another_key() {
    let key = |account, id: &str, entry: &str| {
        let (message, _) = judge(&delete(id, "102", entry), PartnerId(102), SECRET).unwrap();
        message.hints()[0].dedupe_key(AccountId(account)).unwrap()
    };
    let keys = [key(1, "8", "0_e2"), key(2, "8", "0_e2"), key(1, "9", "0_e2"), key(1, "8", "0_e3")];
    assert!((0..keys.len()).all(|a| (0..a).all(|b| keys[a] != keys[b])));
}

#[test]
fn neither_a_message_nor_a_secret_prints_what_it_holds() {
    let (message, signer) = judge(&delete("8", "102", "0_e2"), PartnerId(102), SECRET).unwrap();
    let printed = format!("{message:?} {signer:?} {:?}", set(vec![labelled(1, 102, "admin_secret", SECRET)]));
    assert!(!printed.contains(SECRET) && !printed.contains("puser_id"), "{printed}");
}
