//! What notifications of an entry are about: hints of where to look twice, never facts.

/// What a notification says has happened to an entry. What is true, only the API says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Topic {
    /// It was created.
    Added = 0,
    /// Its row changed.
    Changed = 1,
    /// Its permissions changed.
    Permissions = 2,
    /// It was deleted.
    Deleted = 3,
    /// It was blocked.
    Blocked = 4,
    /// Its picture changed.
    Thumbnail = 5,
    /// Its moderation status changed.
    Moderated = 6,
    /// A viewer flagged it.
    Reported = 7,
    /// Its custom metadata changed.
    Metadata = 8,
    /// One of its renditions changed.
    Flavor = 9,
    /// One of its captions changed.
    Caption = 10,
    /// It joined or left a category, or was approved in one.
    Membership = 11,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Added,
        Self::Changed,
        Self::Permissions,
        Self::Deleted,
        Self::Blocked,
        Self::Thumbnail,
        Self::Moderated,
        Self::Reported,
        Self::Metadata,
        Self::Flavor,
        Self::Caption,
        Self::Membership,
    ];

    /// The topic's name, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Permissions => "permissions",
            Self::Deleted => "deleted",
            Self::Blocked => "blocked",
            Self::Thumbnail => "thumbnail",
            Self::Moderated => "moderated",
            Self::Reported => "reported",
            Self::Metadata => "metadata",
            Self::Flavor => "flavor",
            Self::Caption => "caption",
            Self::Membership => "membership",
        }
    }
}

/// A set of topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Topics(u16);

impl Topics {
    /// From what [`Topics::bits`] gave; bits of a later version mean nothing here.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// As a number, one bit a topic, the same in every version.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether the topic is among them.
    pub const fn contains(self, topic: Topic) -> bool {
        self.0 & (1 << topic as u16) != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.contains(*topic))
    }
}

impl FromIterator<Topic> for Topics {
    fn from_iter<I: IntoIterator<Item = Topic>>(topics: I) -> Self {
        Self(topics.into_iter().fold(0, |bits, topic| bits | 1 << topic as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_has_a_bit_and_a_name_of_its_own() {
        for (number, topic) in Topic::ALL.into_iter().enumerate() {
            assert_eq!(topic as usize, number);
            assert_eq!(Topics::from_iter([topic]).iter().collect::<Vec<_>>(), [topic]);
            assert_eq!(Topic::ALL.iter().filter(|other| other.as_str() == topic.as_str()).count(), 1);
        }
        assert_eq!(Topics::from_iter(Topic::ALL).bits(), 0b1111_1111_1111);
        assert_eq!(Topics::from_bits(0xf000).iter().count(), 0, "bits of a later version");
    }
}
