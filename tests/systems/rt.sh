#!/bin/bash
# A real Request Tracker 5 for the system tests: Debian 12 packages, SQLite, REST2 on loopback.
#
#   rt.sh install            packages only (root; runs apt-get update where the lists are empty)
#   rt.sh start DIR [PORT]   install, seed DIR once, serve; prints one line of JSON; idempotent
#   rt.sh stop DIR           ends the server that `start` left in DIR
#
# The JSON: url, token (user sync), pid (leader of the server's process group) and `users`, each
# with password and, where it has one, token. Outgoing mail is written to a file, never sent.
set -euo pipefail

die() { echo "rt.sh: $*" >&2; exit 1; }

install() {
  # msmtp-mta satisfies the need for a mail agent without bringing up a mail server.
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q -o DPkg::Lock::Timeout=600 \
    --no-install-recommends request-tracker5 rt5-db-sqlite rt5-standalone msmtp-mta w3m >&2
}

install_packages() {
  dpkg -s rt5-standalone >/dev/null 2>&1 && return
  [ "$(id -u)" = 0 ] || die "Request Tracker is not installed and only root can install it"
  # The server below brings its own configuration and database: debconf has nothing to set up.
  debconf-set-selections <<'SELECTIONS'
request-tracker5 request-tracker5/dbconfig-install boolean false
request-tracker5 request-tracker5/install-cronjobs boolean false
request-tracker5 request-tracker5/rtname string systems.test
request-tracker5 request-tracker5/organization string systems.test
SELECTIONS
  # A fresh system has no package lists, an old one has stale ones: then they are fetched.
  install || { apt-get update -q -o DPkg::Lock::Timeout=600 >&2 && install; } ||
    die "the Debian packages of Request Tracker 5 could not be installed"
}

free_port() {
  perl -MIO::Socket::INET -e \
    'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

write_configuration() { # DIR PORT
  cat >"$1/RT_SiteConfig.pm" <<CONFIGURATION
use utf8;
Set(\$rtname, 'systems.test');
Set(\$Organization, 'systems.test');
Set(\$WebDomain, '127.0.0.1');
Set(\$WebPort, $2);
Set(\$Timezone, 'UTC');
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$1/rt.sqlite');
Set(\$MasonDataDir, '$1/mason');
Set(\$MailCommand, 'testfile');
Set(\$LogToSTDERR, 'warning');
Set(\$LogToSyslog, undef);
Set(\$WebSessionClass, 'Apache::Session::File');
Set(%ServiceAgreements,
  Default => 'standard',
  Levels => {
    standard => { Response => { RealMinutes => 240 }, Resolve => { RealMinutes => 2880 } },
    urgent   => { Response => { RealMinutes => 30 },  Resolve => { RealMinutes => 240 } },
  },
);
1;
CONFIGURATION
}

# Users: `sync` reads and writes everything, `newyork` is the same with another time zone,
# `alice` works on tickets, `outsider` may log in but sees no queue.
write_seed() { # DIR
  cat >"$1/seed.pl" <<'SEED'
our @Queues = (
    { Name => 'Helpdesk',    Description => 'Incidents and requests', SLADisabled => 0 },
    { Name => 'Procurement', Description => 'Orders and contracts',   SLADisabled => 0 },
);
our @Users = map { { Privileged => 1, %$_ } } (
    { Name => 'sync',     Password => 'sync-secret',     EmailAddress => 'sync@example.org' },
    { Name => 'newyork',  Password => 'newyork-secret',  EmailAddress => 'newyork@example.org',
      Timezone => 'America/New_York' },
    { Name => 'alice',    Password => 'alice-secret',    EmailAddress => 'alice@example.org',
      RealName => 'Alice Adams' },
    { Name => 'outsider', Password => 'outsider-secret', EmailAddress => 'outsider@example.org' },
);
our @CustomFields = map { { LookupType => 'RT::Queue-RT::Ticket', %$_ } } (
    { Name => 'Project Code',   Type => 'FreeformSingle', Queue => [ 'Helpdesk', 'Procurement' ] },
    { Name => 'Project Status', Type => 'FreeformSingle', Queue => [ 'Helpdesk', 'Procurement' ] },
    { Name => 'Category', Type => 'SelectSingle', Queue => ['Helpdesk'],
      Values => [ map { { Name => $_ } } qw(Hardware Software Access) ] },
    { Name => 'Contract End', Type => 'Date', MaxValues => 1, Queue => ['Procurement'] },
);
our @Final = ( sub {
    require RT::AuthToken;
    my @rights = qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ReplyToTicket
        CommentOnTicket ModifyTicket OwnTicket SeeCustomField ModifyCustomField DeleteTicket
        ShowOutgoingEmail Watch);
    for my $name (qw(sync newyork alice)) {
        my $user = RT::User->new( RT->SystemUser );
        $user->Load($name);
        $user->PrincipalObj->GrantRight( Right => $_, Object => RT->System ) for @rights;
    }
    for my $name (qw(sync newyork)) {
        my $user = RT::User->new( RT->SystemUser );
        $user->Load($name);
        my ( $ok, $message, $secret ) = RT::AuthToken->new( RT->SystemUser )
            ->Create( Owner => $user->id, Description => 'system tests' );
        die $message unless $ok;
        open my $file, '>', "$ENV{RT_TOKENS}/token.$name" or die $!;
        print $file $secret;
        close $file or die $!;
    }
} );
1;
SEED
}

answers() { # URL TOKEN
  perl -MHTTP::Tiny -e '
    my $got = HTTP::Tiny->new(timeout => 5)->get(
      "$ARGV[0]/REST/2.0/rt", { headers => { Authorization => "token $ARGV[1]" } });
    exit !$got->{success}' "$1" "$2"
}

running() { # DIR
  [ -s "$1/server.pid" ] && kill -0 -- "-$(cat "$1/server.pid")" 2>/dev/null
}

describe() { # DIR
  local url; url="http://127.0.0.1:$(cat "$1/port")"
  printf '{"url":"%s","token":"%s","pid":%s,"users":{"root":{"password":"password"},' \
    "$url" "$(cat "$1/token.sync")" "$(cat "$1/server.pid")"
  printf '"sync":{"password":"sync-secret","token":"%s"},' "$(cat "$1/token.sync")"
  printf '"newyork":{"password":"newyork-secret","token":"%s"},' "$(cat "$1/token.newyork")"
  printf '"alice":{"password":"alice-secret"},"outsider":{"password":"outsider-secret"}}}\n'
}

start() { # DIR [PORT]
  install_packages
  mkdir -p "$1"
  local dir port
  dir=$(realpath "$1")
  if running "$dir"; then describe "$dir"; return; fi
  port=${2:-$(free_port)}
  mkdir -p "$dir/conf.d" "$dir/mason"
  write_configuration "$dir" "$port"
  export RT_SITE_CONFIG="$dir/RT_SiteConfig.pm" RT_SITE_CONFIG_DIR="$dir/conf.d" RT_TOKENS="$dir"
  if [ ! -e "$dir/seeded" ]; then
    rm -f "$dir/rt.sqlite"
    write_seed "$dir"
    rt-setup-database-5 --action init --skip-create >"$dir/setup.log" 2>&1 &&
      rt-setup-database-5 --action insert --datafile "$dir/seed.pl" >>"$dir/setup.log" 2>&1 ||
      { tail -n 20 "$dir/setup.log" >&2; die "seeding failed"; }
    touch "$dir/seeded"
  fi
  setsid /usr/share/request-tracker5/libexec/rt-server --server Starlet --host 127.0.0.1 \
    --port "$port" --max-workers 4 >"$dir/server.log" 2>&1 </dev/null &
  echo $! >"$dir/server.pid"
  echo "$port" >"$dir/port"
  for _ in $(seq 120); do
    answers "http://127.0.0.1:$port" "$(cat "$dir/token.sync")" && { describe "$dir"; return; }
    running "$dir" || break
    sleep 0.25
  done
  tail -n 20 "$dir/server.log" >&2
  die "the server did not answer on port $port"
}

stop() { # DIR
  running "$1" || return 0
  kill -- "-$(cat "$1/server.pid")"
  for _ in $(seq 40); do running "$1" || { rm -f "$1/server.pid"; return 0; }; sleep 0.25; done
  kill -9 -- "-$(cat "$1/server.pid")" && rm -f "$1/server.pid"
}

case "${1:-}" in
  install) install_packages ;;
  start) start "${2:?usage: rt.sh start DIR [PORT]}" "${3:-}" ;;
  stop) stop "${2:?usage: rt.sh stop DIR}" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
