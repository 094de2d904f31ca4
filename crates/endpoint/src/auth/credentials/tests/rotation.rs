//! Several logins with their roles, and how they are replaced while the service runs.

use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;

const OTHER: &str = "wD6Rz3o-WnTnbCqk2_tt";

fn login(user: &str, password: &str) -> Credentials {
    Credentials::new(user, password).unwrap()
}

fn role(credentials: &Credentials, user: &str, password: &str) -> Option<Role> {
    credentials.verify(user.as_bytes(), password.as_bytes()).map(|(_, role)| role)
}

/// A clock that makes the file due for a check.
struct Clock(Instant);

impl Clock {
    fn check(&mut self, credentials: &Credentials) {
        self.0 += Duration::from_secs(2);
        credentials.refresh(self.0);
    }
}

#[test]
fn s14_old_and_new_password_are_accepted_together() {
    let both = login("ops", GOOD).and(login("ops", OTHER)).unwrap();
    assert!(accepts(&both, "ops", GOOD) && accepts(&both, "ops", OTHER));
    assert!(!accepts(&both, "ops", "neither-of-the-two"));
    let users = login("ops", GOOD).and(login("grafana", OTHER)).unwrap();
    assert!(accepts(&users, "ops", GOOD) && accepts(&users, "grafana", OTHER));
    assert!(!accepts(&users, "ops", OTHER) && !accepts(&users, "grafana", GOOD));
}

#[test]
fn s14_each_of_eight_logins_is_accepted_and_a_ninth_is_refused() {
    let user = |number: usize| format!("user{number}");
    let all = (1..8).map(|number| login(&user(number), GOOD));
    let eight = all.fold(login(&user(0), GOOD), |all, next| all.and(next).unwrap());
    assert!((0..8).all(|number| accepts(&eight, &user(number), GOOD)));
    assert!(!accepts(&eight, &user(8), GOOD));
    let error = eight.clone().and(login(&user(8), GOOD)).unwrap_err();
    assert_eq!(error.kind(), Kind::TooMany);
    assert!(error.to_string().starts_with("9 logins refused: the limit is 8"), "{error}");
}

#[test]
fn s14_replacing_credentials_replaces_all_clones_and_the_old_password_fails() {
    let (credentials, new) = (login("ops", GOOD), login("ops", OTHER));
    let clone = credentials.clone();
    credentials.replace(new.clone());
    for credentials in [&credentials, &clone] {
        assert!(accepts(credentials, "ops", OTHER) && !accepts(credentials, "ops", GOOD));
    }
    // The replacement is a copy, so later changes of one do not affect the other.
    credentials.replace(login("ops", GOOD));
    assert!(accepts(&new, "ops", OTHER) && !accepts(&new, "ops", GOOD));
}

#[test]
fn s15_a_role_can_be_lowered_but_not_raised() {
    assert_eq!(role(&login("ops", GOOD), "ops", GOOD), Some(Role::Profile));
    let read = login("ops", GOOD).role(Role::Read);
    assert_eq!(role(&read, "ops", GOOD), Some(Role::Read));
    assert_eq!(role(&read.role(Role::Profile), "ops", GOOD), Some(Role::Read));
}

#[test]
fn s15_each_login_keeps_its_role() {
    let both = login("ops", GOOD).and(login("grafana", OTHER).role(Role::Read)).unwrap();
    assert_eq!(role(&both, "ops", GOOD), Some(Role::Profile));
    assert_eq!(role(&both, "grafana", OTHER), Some(Role::Read));
}

#[test]
fn s15_role_lines_in_a_file_cannot_be_mistaken_for_logins() {
    let content = format!("ops:{GOOD}\n\n[read]\r\ngrafana:{OTHER}\n  \n[profile]\n[read]:{GOOD}\n");
    let file = TestFile::new("roles", content);
    let credentials = Credentials::from_file(&file.0).unwrap();
    assert_eq!(role(&credentials, "ops", GOOD), Some(Role::Profile));
    assert_eq!(role(&credentials, "grafana", OTHER), Some(Role::Read));
    assert_eq!(role(&credentials, "[read]", GOOD), Some(Role::Profile));
}

#[test]
fn s15_a_role_set_in_code_still_limits_a_file_that_is_read_again() {
    let file = TestFile::new("capped", format!("ops:{GOOD}\n"));
    let credentials = Credentials::from_file(&file.0).unwrap().role(Role::Read);
    fs::write(&file.0, format!("[profile]\nadmin:{OTHER}\n")).unwrap();
    Clock(Instant::now()).check(&credentials);
    assert_eq!(role(&credentials, "admin", OTHER), Some(Role::Read));
}

#[test]
fn s14_a_file_is_read_again_when_it_changes() {
    let file = TestFile::new("rotated", format!("ops:{GOOD}\n"));
    let credentials = Credentials::from_file(&file.0).unwrap();
    let (clone, mut clock) = (credentials.clone(), Clock(Instant::now()));
    clock.check(&credentials);
    assert!(accepts(&clone, "ops", GOOD));
    fs::write(&file.0, format!("ops:{OTHER}-longer\n")).unwrap();
    assert!(accepts(&clone, "ops", GOOD), "the file has not been checked yet");
    clock.check(&credentials);
    assert!(accepts(&clone, "ops", &format!("{OTHER}-longer")) && !accepts(&clone, "ops", GOOD));
}

#[test]
fn s14_a_password_file_named_in_the_environment_is_read_again_too() {
    let file = TestFile::new("rotated-password", GOOD);
    let credentials = from_vars(&[("MEMORY_DEBUG_PASSWORD_FILE", file.0.to_str().unwrap())]).unwrap();
    fs::write(&file.0, format!("{OTHER}-longer\n")).unwrap();
    Clock(Instant::now()).check(&credentials);
    assert!(accepts(&credentials, "ops", &format!("{OTHER}-longer")) && !accepts(&credentials, "ops", GOOD));
}

#[test]
fn s14_a_link_to_another_target_counts_as_a_change() {
    // Kubernetes mounts secrets like this: the folder is a link whose target is replaced. Both files have the same
    // length.
    let (old, new) =
        (TestFile::new("old", format!("ops:{GOOD}")), TestFile::new("new", format!("ops:{OTHER}")));
    let link = TestFile(std::env::temp_dir().join(format!("memory-debug-link-{}", std::process::id())));
    symlink(&old.0, &link.0).unwrap();
    let credentials = Credentials::from_file(&link.0).unwrap();
    let next = TestFile(link.0.with_extension("next"));
    symlink(&new.0, &next.0).unwrap();
    fs::rename(&next.0, &link.0).unwrap();
    Clock(Instant::now()).check(&credentials);
    assert!(accepts(&credentials, "ops", OTHER) && !accepts(&credentials, "ops", GOOD));
}

#[test]
fn s14_an_invalid_file_leaves_the_old_logins_in_force_until_it_is_fixed() {
    let file = TestFile::new("broken", format!("ops:{GOOD}\n"));
    let credentials = Credentials::from_file(&file.0).unwrap();
    let mut clock = Clock(Instant::now());
    for content in ["", "no login", "ops:weak", "ops:"] {
        fs::write(&file.0, content).unwrap();
        clock.check(&credentials);
        assert!(accepts(&credentials, "ops", GOOD), "{content}");
    }
    fs::remove_file(&file.0).unwrap();
    clock.check(&credentials);
    assert!(accepts(&credentials, "ops", GOOD));
    fs::write(&file.0, format!("ops:{OTHER}\n")).unwrap();
    clock.check(&credentials);
    assert!(accepts(&credentials, "ops", OTHER) && !accepts(&credentials, "ops", GOOD));
}

#[test]
fn s14_a_file_is_checked_at_most_once_a_second_and_only_for_a_well_formed_header() {
    let file = TestFile::new("seldom", format!("ops:{GOOD}\n"));
    let credentials = Credentials::from_file(&file.0).unwrap();
    fs::write(&file.0, format!("ops:{OTHER}-longer\n")).unwrap();
    for values in
        [&[][..], &[&b"Basic"[..]], &[&b"Bearer b3BzOng="[..]], &[&b"Basic b3Bz"[..]], &[&b"x"[..]; 2]]
    {
        assert!(authenticate(&credentials, values.iter().copied()).is_err());
        assert!(accepts(&credentials, "ops", GOOD), "{values:?}");
    }
    // Any user and password trigger the check, because a client with the new password may be the first to
    // send one.
    assert!(authenticate(&credentials, [&b"Basic b3BzOng="[..]]).is_err());
    assert!(!accepts(&credentials, "ops", GOOD));

    let now = Instant::now() + Duration::from_secs(5);
    credentials.refresh(now);
    fs::write(&file.0, format!("ops:{GOOD}\n")).unwrap();
    credentials.refresh(now + Duration::from_millis(900));
    assert!(!accepts(&credentials, "ops", GOOD));
    credentials.refresh(now + Duration::from_millis(1100));
    assert!(accepts(&credentials, "ops", GOOD));
}

#[test]
fn a_mistake_in_a_file_is_reported_with_its_line_but_without_the_password() {
    for (name, content, kind, expected) in [
        ("line-role", format!("ops:{GOOD}\n[admin]\n"), Kind::Unreadable, "line 2 of `"),
        ("line-weak", format!("\nops:{GOOD}\nx:hunter2\n"), Kind::WeakPassword, "line 3 of `"),
        ("line-user", format!(":{GOOD}"), Kind::InvalidUser, "line 1 of `"),
        ("no-login", "\n[read]\n".to_owned(), Kind::Unreadable, "found no login"),
        ("nine", format!("ops:{GOOD}\n").repeat(9), Kind::TooMany, "9 logins refused"),
    ] {
        let file = TestFile::new(name, content);
        let error = Credentials::from_file(&file.0).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let shown = error.to_string();
        assert!(shown.contains(expected) && !shown.contains("PzL7") && !shown.contains("hunter2"), "{shown}");
    }
}
