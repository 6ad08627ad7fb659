//! Playlists: entries whose content is a list of entries, or a rule by which Kaltura makes one.

use serde::Serialize;

use super::ids::EntryId;

/// How a playlist finds its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// By a list of ids.
    Static,
    /// By filters that Kaltura evaluates each time it is played.
    Dynamic,
    /// By a feed of somebody else.
    External,
    /// By the path that a viewer takes from video to video.
    Path,
}

/// A playlist's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist {
    /// How it finds its entries.
    pub order: Order,
    /// Those of a static one, in its order; an entry may come more than once.
    pub entries: Vec<EntryId>,
}

impl Playlist {
    /// From `playlistType` and `playlistContent`. A type that a later server adds, or none, is taken for dynamic: its order is
    /// not ours to tell. What is no id in a list is passed over.
    ///
    /// Source: Kaltura server, `PlaylistType`: 3 static, 10 dynamic, 101 external, 102 path.
    pub fn from_api(kind: Option<i64>, content: &str) -> Self {
        let order = match kind {
            Some(3) => Order::Static,
            Some(101) => Order::External,
            Some(102) => Order::Path,
            _ => Order::Dynamic,
        };
        let entries = match order {
            Order::Static => content.split(',').filter_map(|id| id.trim().parse().ok()).collect(),
            _ => Vec::new(),
        };
        Self { order, entries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_static_playlist_has_its_entries_in_order_and_again_where_it_repeats_one() {
        let ids = |content: &str| {
            let playlist = Playlist::from_api(Some(3), content);
            playlist.entries.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(ids("1_bbbbbbbb, 1_aaaaaaaa,1_bbbbbbbb"), ["1_bbbbbbbb", "1_aaaaaaaa", "1_bbbbbbbb"]);
        assert_eq!(ids(",nonsense,,1_aaaaaaaa\n"), ["1_aaaaaaaa"]);
        assert!(ids("").is_empty());
    }

    #[test]
    fn only_a_static_playlist_has_an_order_of_its_own() {
        for (kind, order) in [(10, Order::Dynamic), (101, Order::External), (102, Order::Path), (999, Order::Dynamic)] {
            let playlist = Playlist::from_api(Some(kind), "1_aaaaaaaa");
            assert_eq!((playlist.order, playlist.entries.len()), (order, 0), "{kind}");
        }
        assert_eq!(Playlist::from_api(None, "").order, Order::Dynamic);
    }
}
