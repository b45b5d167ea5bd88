//! Changes to a registered player: what is named is replaced, what is absent stays.

use super::registration::{Player, PlayerDraft};

/// As `PlayerDraft`, with `None` for what stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlayerPatch {
    pub name: Option<String>,
    pub certificate_type: Option<i64>,
    pub certificate_no: Option<String>,
    pub mobile: Option<String>,
    pub email: Option<String>,
    pub country: Option<String>,
    pub province: Option<String>,
    pub city: Option<String>,
    pub address1: Option<String>,
    pub address2: Option<String>,
    pub zip: Option<String>,
    pub gender: Option<i64>,
    pub birth_date: Option<String>,
    pub emergency_contact_name: Option<String>,
    pub emergency_contact_mobile: Option<String>,
    pub t_shirt_size: Option<i64>,
    pub extra_info_json: Option<String>,
}

impl PlayerPatch {
    /// Whether the certificate is named, changed or not.
    pub fn names_certificate(&self) -> bool {
        self.certificate_type.is_some() || self.certificate_no.is_some()
    }

    /// The player with the changes, to be checked as a whole by `Player::new`.
    pub fn apply(self, player: &Player) -> PlayerDraft {
        self.over(PlayerDraft::from(player))
    }

    /// What is named here, and of `rest` what is not.
    pub fn over(self, rest: PlayerDraft) -> PlayerDraft {
        PlayerDraft {
            name: self.name.unwrap_or(rest.name),
            certificate_type: self.certificate_type.unwrap_or(rest.certificate_type),
            certificate_no: self.certificate_no.unwrap_or(rest.certificate_no),
            mobile: self.mobile.unwrap_or(rest.mobile),
            email: self.email.unwrap_or(rest.email),
            country: self.country.unwrap_or(rest.country),
            province: self.province.unwrap_or(rest.province),
            city: self.city.unwrap_or(rest.city),
            address1: self.address1.unwrap_or(rest.address1),
            address2: self.address2.unwrap_or(rest.address2),
            zip: self.zip.unwrap_or(rest.zip),
            gender: self.gender.unwrap_or(rest.gender),
            birth_date: self.birth_date.unwrap_or(rest.birth_date),
            emergency_contact_name: self.emergency_contact_name.unwrap_or(rest.emergency_contact_name),
            emergency_contact_mobile: self.emergency_contact_mobile.unwrap_or(rest.emergency_contact_mobile),
            t_shirt_size: self.t_shirt_size.unwrap_or(rest.t_shirt_size),
            extra_info_json: self.extra_info_json.unwrap_or(rest.extra_info_json),
        }
    }
}

impl From<&Player> for PlayerDraft {
    fn from(player: &Player) -> Self {
        let player = player.clone();
        Self {
            name: player.name,
            certificate_type: player.certificate_type.code(),
            certificate_no: player.certificate_no,
            mobile: player.mobile,
            email: player.email,
            country: player.country,
            province: player.province,
            city: player.city,
            address1: player.address1,
            address2: player.address2,
            zip: player.zip,
            gender: player.gender.code(),
            birth_date: player.birth_date.to_string(),
            emergency_contact_name: player.emergency_contact_name,
            emergency_contact_mobile: player.emergency_contact_mobile,
            t_shirt_size: player.t_shirt_size,
            extra_info_json: player.extra_info_json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_patch_gives_the_same_player() {
        let draft = PlayerDraft {
            name: "张三".into(),
            certificate_type: 1,
            certificate_no: "E1".into(),
            mobile: "13800000000".into(),
            email: "a@b".into(),
            country: "中国".into(),
            province: "湖北".into(),
            city: "武汉".into(),
            address1: "一".into(),
            address2: "二".into(),
            zip: "430000".into(),
            gender: 2,
            birth_date: "1990-05-01".into(),
            emergency_contact_name: "李四".into(),
            emergency_contact_mobile: "13900000000".into(),
            t_shirt_size: 3,
            extra_info_json: "{}".into(),
        };
        let today = "2026-11-22".parse().unwrap();
        let player = Player::new(draft, "", today).unwrap();
        let same = Player::new(PlayerPatch::default().apply(&player), "", today).unwrap();
        assert_eq!(same, player);
        let patch = PlayerPatch { city: Some(String::new()), ..PlayerPatch::default() };
        let without_city = Player::new(patch.apply(&player), "", today).unwrap();
        assert_eq!(without_city, Player { city: String::new(), ..player });
    }
}
