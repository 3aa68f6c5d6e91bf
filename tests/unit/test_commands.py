"""The commands of the knowledge base where they cannot be typed: macOS, Windows, the far side.

What exists on a platform without installing anything, and how it is called, is a table here.
Linux has more than that: tests/net/test_commands.py types its commands.
"""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.commands import PLATFORMS, VALUES, Command, commands, steps, templates

from netwhy.knowledge import words
from netwhy.knowledge.templates import fill_command, placeholders

ADDRESS = r"[0-9a-f.:]+"
NAME = r"[\w.-]+"
URL = r"https?://\S+"
#: A certificate's file, or another thing that the reader puts in.
CAPITALS = r"[A-Z_]+(\.\w+)?"

#: What comes with macOS (its manual pages; dig, curl, nc, openssl are part of the system, openssl
#: is LibreSSL), and what netwhy or a container engine brings.  Values: the whole command line.
MACOS = {
    "arp": rf"-n {ADDRESS}",
    "cat": r"-etv \S+",
    "curl": rf"(-v|-vI|-sIL|-sS)( --http0\.9| --raw| --max-redirs \d+| --max-time \d+| -o \S+"
    rf"| --proto '?=http,https'?| --cert {CAPITALS}| --key {CAPITALS})* '?{URL}'?",
    "date": r"-u",
    "df": r"-h",
    "dig": rf"(-p \d+ )?(@\S+ |\+(tries|time)=\d+ |\+\w+ )*{NAME}( A| AAAA| MX| CNAME| TXT CH)?"
    rf"|(@\S+ )(\+\w+(=\d)? )*{NAME}",
    "docker": rf"ps( --filter publish=\d+)?|stop {NAME}",
    "dscacheutil": rf"-q host -a name {NAME}|-flushcache",
    "env": r"",
    "export": r"NO_PROXY=\S+",
    "grep": r"-i _proxy|-c \d+|SSL_CERT|TIME_WAIT|-n -i -F -e \S+ \S+|-n edns0 \S+",
    "ifconfig": rf"(-a|-l|\w+( up| inet6| mtu \d+| alias {ADDRESS}|"
    rf" {ADDRESS} netmask {ADDRESS} up)?)?",
    "ipconfig": r"set \w+ DHCP|getpacket \w+",
    "kill": r"\d+",
    "killall": r"-HUP mDNSResponder",
    "launchctl": r"list",
    "log": r"show --last \d+m --predicate '[^']+'",
    "lsof": r"-nP (-iTCP(:\d+)?( -sTCP:LISTEN)?|-iUDP(:\d+)?|-i :\d+|-p \d+)",
    "nc": rf"-w \d+ {ADDRESS} \d+ </dev/null",
    "ndp": rf"-an|-n {ADDRESS}",
    "netstat": r"-rn( -f inet6?)?|-gn|-Lan|-an -p tcp|-I \w+ -d",
    "nettop": r"-n -P -L 1",
    "netwhy": rf"(check|bind|explain)( (tls://|https?://)?[\w.:\[\]-]+)+( {CAPITALS})?"
    r"|check 'tcp://[\w.:\[\]-]+\?[\w=%&]+'",
    "networksetup": r"-listallhardwareports|-listallnetworkservices",
    "nslookup": NAME,
    "openssl": r"s_client -connect \S+( -servername \S+)?( -showcerts| -msg| -tls1_[23]"
    r"| -cipher ALL)? </dev/null|x509( -in issuer\.crt)? -noout( -dates| -subject| -issuer)+",
    "pfctl": r"-sr",
    "ping": rf"-c \d+( -i 0\.2| -D -s \d+)? {ADDRESS}",
    "ping6": rf"-c \d {ADDRESS}",
    "podman": rf"stop {NAME}",
    "ps": r"-o pid,lstart,stat,args -p \d+",
    "route": rf"-n (get|add)( -inet6)? {ADDRESS}( {ADDRESS})?",
    "sample": r"\d+ \d",
    "scutil": r"--dns|--proxy",
    "security": r"add-trusted-cert -d -r trustRoot -k /Library/Keychains/System\.keychain \S+",
    "sntp": rf"(-sS )?{NAME}",
    "sysctl": r"(-w )?(net\.inet6?|kern)\.[\w.]+(=\d+)?( (kern|net\.inet6)\.[\w.]+)*",
    "tcpdump": r"-ni (any|\w+) ('[^']+'|port \d+|host \S+)",
    "traceroute": rf"-n( -P tcp -p \d+)? {ADDRESS}",
    "traceroute6": rf"-n {ADDRESS}",
    "ulimit": r"-n( \d+)?",
    "whois": NAME,
}

#: Cmdlets that come with Windows 10 and Server 2016, and those of their parameters that are used
#: (learn.microsoft.com: NetTCPIP, NetAdapter, NetSecurity, DnsClient, Management, Utility, PKI;
#: DnsServer comes with the role, and is named only for the far side).
CMDLETS = {
    "Clear-DnsClientCache": "",
    "Clear-DnsServerCache": "",
    "Enable-NetAdapter": "Name",
    "Find-NetRoute": "RemoteIPAddress",
    "Format-List": "",
    "Get-ChildItem": "",
    "Get-DnsClientNrptPolicy": "",
    "Get-DnsClientServerAddress": "",
    "Get-DnsServerForwarder": "",
    "Get-NetAdapter": "Name",
    "Get-NetAdapterBinding": "ComponentID",
    "Get-NetFirewallRule": "Enabled Action Direction",
    "Get-NetIPAddress": "InterfaceAlias AddressFamily",
    "Get-NetNeighbor": "AddressFamily IPAddress",
    "Get-NetAdapterStatistics": "",
    "Get-NetRoute": "DestinationPrefix AddressFamily",
    "Get-NetTCPConnection": "State LocalPort RemotePort",
    "Get-NetUDPEndpoint": "LocalPort",
    "Get-PSDrive": "PSProvider",
    "Get-Process": "Id",
    "Get-Service": "Name",
    "Get-WinEvent": "LogName MaxEvents",
    "Group-Object": "",
    "Import-Certificate": "FilePath CertStoreLocation",
    "Measure-Command": "Expression",
    "Measure-Object": "",
    "Start-Service": "Name",
    "Stop-Service": "Name",
    "Resolve-DnsName": "Name Server Type QuickTimeout TcpOnly DnsOnly NoHostsFile DnssecOk"
    " DnssecCd",
    "Select-Object": "",
    "Select-String": "SimpleMatch Pattern Path",
    "Stop-Process": "Id Confirm",
    "Test-NetConnection": "Port",
}
#: The parameters that take no value, and the values that others accept.
SWITCHES = {
    "QuickTimeout",
    "TcpOnly",
    "DnsOnly",
    "NoHostsFile",
    "DnssecOk",
    "DnssecCd",
    "SimpleMatch",
    "Confirm",
}
ACCEPTED = {
    "Action": "Block",
    "AddressFamily": "IPv4|IPv6",
    "Direction": "Inbound|Outbound",
    "Enabled": "True",
    "State": "Listen|TimeWait|Bound",
    "Type": "A|AAAA|NS|CNAME|ALL",
}
#: Programs that come with Windows 10 and Server 2016 (pktmon since version 2004).
PROGRAMS = {
    "curl.exe": MACOS["curl"].replace("-v|", "-v|-vI --tlsv1\\.2|"),
    "docker": MACOS["docker"],
    "ipconfig": r"(/all|/renew6?)?",
    "netsh": r"interface ip show joins|int ipv4 set dynamicport tcp start=\d+ num=\d+"
    r"|winhttp show proxy|int ipv4 show excludedportrange protocol=tcp"
    r"|http show servicestate"
    r"|int ipv4 add excludedportrange protocol=tcp startport=\d+ numberofports=1"
    r"|interface ipv4 (show global|set subinterface \w+ mtu=\d+ store=active)",
    "netstat": r"-ano|-abno",
    "netwhy": MACOS["netwhy"],
    "nslookup": NAME,
    "pathping": rf"-n {ADDRESS}",
    "ping": rf"-n \d+( -f -l \d+)? {ADDRESS}",
    "pktmon": rf"filter add( -i {ADDRESS}| -t \w+| -p \d+)+|start --capture --comp nics",
    "podman": MACOS["podman"],
    "tracert": rf"(-[46] )?-d {ADDRESS}",
    "w32tm": r"/query /status|/resync",
}


def parts_of(command: str, platform: str) -> list[str]:
    """The simple commands of a line, without sudo."""
    separator = r"\s+\|\s+" if platform != "windows" else r"\s*[;|]\s+"
    lines = steps(command) if platform != "windows" else [command]
    parts = [part for line in lines for part in re.split(separator, line)]
    return [part.removeprefix("sudo ").strip() for part in parts]


@pytest.mark.parametrize("command", commands("macos"), ids=str)
def test_macos_has_each_tool_and_takes_it_so(command: Command) -> None:
    for part in parts_of(command.text, "macos"):
        tool, _, rest = part.partition(" ")
        assert tool in MACOS, f"macOS has no {tool}: {command.told}"
        assert re.fullmatch(MACOS[tool], rest), f"not known of macOS's {tool}: {rest!r}"


@pytest.mark.parametrize("command", commands("windows"), ids=str)
def test_windows_has_each_tool_and_takes_it_so(command: Command) -> None:
    for part in parts_of(command.text, "windows"):
        tool, _, rest = part.partition(" ")
        if tool.startswith("$env:"):
            assert re.fullmatch(r"\$env:\w+ \+= '[^']+'", part)
        elif tool in PROGRAMS:
            assert re.fullmatch(PROGRAMS[tool], rest), f"not known of {tool}: {rest!r}"
        else:
            assert tool in CMDLETS, f"Windows has no {tool}: {command.told}"
            _check_parameters(tool, rest)


def _check_parameters(cmdlet: str, rest: str) -> None:
    inner = re.search(r"\{ (.*) \}", rest)
    if inner:
        name, _, more = inner[1].partition(" ")
        _check_parameters(name, more)
        rest = rest.replace(inner[0], "BLOCK")
    found = re.findall(r"(?<=-)([A-Z]\w+)(?: ((?!-)(?:'[^']*'|[^' ])+))?", f" {rest}")
    for name, value in found:
        assert name in CMDLETS[cmdlet].split(), f"{cmdlet} has no -{name}"
        if name not in SWITCHES:
            assert value, f"{cmdlet} -{name} needs a value"
        if name in ACCEPTED:
            assert re.fullmatch(ACCEPTED[name], value), f"{cmdlet} -{name} takes no {value}"


@pytest.mark.parametrize("platform", ["linux", "macos"])
def test_every_line_can_be_read_by_a_shell(platform: str) -> None:
    lines = [command.text for command in commands(platform)]
    for line in lines:  # one by one, or an error would not name its line
        assert shlex.split(line)
    script = "\n".join(lines)
    checked = subprocess.run(["bash", "-n"], input=script.encode(), capture_output=True)
    assert checked.returncode == 0, checked.stderr.decode()


def test_no_platform_is_given_the_tools_of_another() -> None:
    linux_only = re.compile(
        r"\b(systemctl|journalctl|ip (-|a|r|n|l)|ss -|nft|nmcli|resolvectl|apt-get|tracepath)"
        r"|/proc/"
    )
    for platform in ("macos", "windows"):
        for command in commands(platform):
            assert not linux_only.search(command.text), command.text
    for command in commands("windows"):
        assert not re.search(r"\bsudo\b|\|\||&&|/dev/null|(?<!\.)\bcurl ", command.text)


@pytest.mark.parametrize("resolver", ["2001:db8::53", "192.0.2.53"])
def test_macos_uses_its_own_tools_for_ipv6(resolver: str) -> None:
    v6 = ":" in resolver
    values = {"address": resolver, "resolver": resolver, "gateway": resolver, "port": "53"}

    def typed(template: str) -> str | None:
        return fill_command(template, values, "macos")

    assert typed("ping -c 3 {resolver}") == f"ping{'6' if v6 else ''} -c 3 {resolver}"
    assert typed("arp -n {address}; ping -c 3 {address}") == (
        f"ndp -n {resolver}; ping6 -c 3 {resolver}"
        if v6
        else f"arp -n {resolver}; ping -c 3 {resolver}"
    )
    assert typed("route -n get {address}; netstat -rn") == (
        f"route -n get {'-inet6 ' if v6 else ''}{resolver}; netstat -rn"
    )
    traced = typed("traceroute -n -P tcp -p {port} {address}")
    assert traced == (
        f"traceroute6 -n {resolver}" if v6 else f"traceroute -n -P tcp -p 53 {resolver}"
    )


def test_an_ipv6_literal_stands_in_brackets_where_a_port_follows() -> None:
    known = VALUES | {"host": "2001:db8::1", "address": "2001:db8::1"}
    checks = [
        fix.command or ""
        for cause in ("exchange.reset", "exchange.closed", "exchange.unexpected")
        for fix in words.fixes(cause, known, "linux", "tls")
    ]
    assert checks.count("netwhy check 'tls://[2001:db8::1]:5432'") == 0
    assert "netwhy check tls://'[2001:db8::1]':5432" in checks


def test_a_resolver_on_another_port_is_asked_there() -> None:
    known = {"resolver": "127.0.0.1", "name": "a.example", "resolver_port": "5353"}
    typed = fill_command("delv @{resolver} {name} || dig @{resolver} +cd {name}", known, "linux")
    assert typed == "delv -p 5353 @127.0.0.1 a.example || dig -p 5353 @127.0.0.1 +cd a.example"
    usual = fill_command("dig @{resolver} {name}", known | {"resolver_port": "53"}, "linux")
    assert usual == "dig @127.0.0.1 a.example"


# ------------------------------------------------------------------------------- hostile values

HOSTILE = st.text(st.sampled_from("a-;'\"`$(){}[]|&<>*?!~# \n\t\x1b\u2028\u2019\\%=,é"), min_size=1)
EVERY = sorted({(t, p) for p in PLATFORMS for _cause, t, _where in templates(p)})


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
@pytest.mark.parametrize("platform", ["linux", "macos"])
def test_no_value_leaves_its_word_in_any_command(platform: str, value: str) -> None:
    """Outside of quotes stands only what the template says, whatever the values are."""
    harmless = "x y"  # needs quotes as well, so both commands are built alike
    for template, of in EVERY:
        if of != platform or not placeholders(template):
            continue
        names = placeholders(template)
        typed = fill_command(template, dict.fromkeys(names, value), platform)
        plain = fill_command(template, dict.fromkeys(names, harmless), platform)
        assert plain is not None
        if typed is None or shlex.quote(value) == value:
            continue
        assert _outside_quotes(typed) == _outside_quotes(plain), typed
        assert len(shlex.split(typed)) == len(shlex.split(plain))


def _outside_quotes(line: str) -> str:
    """What a POSIX shell would act on: everything that is not inside single quotes."""
    return re.sub("'[^']*'|\"'\"", "", line)


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_no_value_leaves_its_literal_in_any_powershell_command(value: str) -> None:
    harmless = "x y"
    for template, platform in EVERY:
        names = placeholders(template)
        if platform != "windows" or not names:
            continue
        typed = fill_command(template, dict.fromkeys(names, value), platform)
        plain = fill_command(template, dict.fromkeys(names, harmless), platform)
        assert plain is not None
        if typed is None or re.fullmatch(r"[A-Za-z0-9_.:/%\\-]+", value):
            continue
        assert _outside_literals(typed) == _outside_literals(plain), typed


def _outside_literals(line: str) -> str:
    """What PowerShell would act on; its curly quotes count as quotes, doubled ones as text."""
    return re.sub(
        "['\u2018-\u201b](?:[^'\u2018-\u201b]|['\u2018-\u201b]{2})*['\u2018-\u201b]", "", line
    )
