//! placeholder replaced by the player rules
