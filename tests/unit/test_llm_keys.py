import json
import traceback
from pathlib import Path

import pytest

from resonance.llm.chat import LLMError
from resonance.llm.keys import Origin, key_for, split_address


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "llm_keys.json"


def write(file: Path, entries: object) -> Path:
    file.write_text(json.dumps(entries))
    return file


@pytest.mark.parametrize(
    ("address", "origin", "path"),
    [
        ("http://127.0.0.1:8080", Origin("http", "127.0.0.1", 8080), ""),
        (" https://API.Example.com/v1/ ", Origin("https", "api.example.com", 443), "/v1"),
        ("HTTP://[::1]:80/v1", Origin("http", "::1", 80), "/v1"),
    ],
)
def test_an_address_is_an_origin_and_a_path(address: str, origin: Origin, path: str):
    assert split_address(address) == (origin, path)


def test_an_origin_is_written_without_its_usual_port():
    assert str(Origin("https", "api.example.com", 443)) == "https://api.example.com"
    assert str(Origin("http", "::1", 8080)) == "http://[::1]:8080"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:8080", "localhost:8080", "", "ftp://127.0.0.1", "file:///etc/passwd", "//evil.example", "javascript:1"],
)
def test_only_http_and_https(address: str):
    with pytest.raises(LLMError, match="does not begin with http:// or https://"):
        split_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1@evil.example/",
        "http://user:hunter2@127.0.0.1/",
        "http://127.0.0.1/?key=hunter2",
        "http://127.0.0.1/#hunter2",
        "http://127.0.0.1\\@evil.example/hunter2",
        "http://127.0.0.1 hunter2",
        "http://127.0.0.1:hunter2",
        "http://",
        "http://%31%32%37.0.0.1/hunter2",
        "http://ⅼocalhost/hunter2",
        "http://[::1%25eth0]/hunter2",
    ],
)
def test_what_could_hide_a_host_or_a_secret_is_refused_and_not_repeated(address: str):
    with pytest.raises(LLMError) as error:
        split_address(address)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://127.8.8.8", "http://[::1]:8080", "http://LOCALHOST"])
def test_this_machine_needs_no_entry(address: str, file: Path):
    assert key_for(split_address(address)[0], file) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1.evil.example",
        "http://localhost.:8080",
        "http://localhost.evil.example",
        "http://2130706433",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "http://127.1",
        "http://0.0.0.0:8080",
        "http://[::]:8080",
        "http://192.168.1.5:8080",
        "http://loopback.example",
        "https://api.example.com",
    ],
)
def test_whatever_is_not_plainly_this_machine_must_be_listed(address: str, file: Path):
    origin = split_address(address)[0]
    with pytest.raises(LLMError) as error:
        key_for(origin, file)
    assert str(file) in str(error.value) and f'"{origin}": {{"key": "..."}}' in str(error.value)
    assert key_for(origin, write(file, {str(origin): {"key": "k"}})) == "k"


PORTS = (1234, 1337, 3000, 5000, 5001, 8000, 8080, 8081, 11434, 30000)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.8.8"])
def test_where_others_send_workflows_only_usual_ports_of_this_machine_need_no_entry(host: str, file: Path):
    for port in PORTS:
        assert key_for(split_address(f"http://{host}:{port}/v1")[0], file, exposed=True) is None
    for address in (
        f"http://{host}:6379",
        f"http://{host}",
        f"https://{host}",
        f"http://{host}:8188",
        f"http://{host}:18080",
    ):
        origin = split_address(address)[0]
        assert key_for(origin, file) is None
        with pytest.raises(LLMError) as error:
            key_for(origin, file, exposed=True)
        assert f'Add the line "{origin}": {{}} to {file}. The file does not exist yet' in str(error.value)
        assert key_for(origin, write(file, {str(origin): {}}), exposed=True) is None
        file.unlink()


def test_port_0_is_no_port(file: Path):
    with pytest.raises(LLMError, match="The address has port 0, on which nobody can listen: write it like"):
        split_address("http://127.0.0.1:0")
    with pytest.raises(LLMError, match="Entry 1 .*port 0"):
        key_for(Origin("http", "127.0.0.1", 80), write(file, {"http://127.0.0.1:0": {}}))


def test_a_key_is_bound_to_scheme_host_and_port(file: Path):
    write(file, {"https://api.example.com": {"key": "k"}})
    assert key_for(split_address("https://api.example.com:443/v1")[0], file) == "k"
    for other in ("http://api.example.com", "https://api.example.com:8443", "https://evil.example"):
        with pytest.raises(LLMError, match="is not on this machine"):
            key_for(split_address(other)[0], file)


def test_an_address_can_be_listed_without_a_key(file: Path):
    assert key_for(Origin("http", "192.168.1.5", 8080), write(file, {"http://192.168.1.5:8080": {}})) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"https://a.example": {"key": "hunter2"', "line 1, column"),
        ('["hunter2"]', "must hold one object"),
        ('{"https://a.example": "hunter2"}', r"Entry 1 .*must be \{"),
        ('{"https://a.example": {"key": "hunter2 "}}', "without blanks"),
        ('{"https://a.example": {"key": "hunter2\\r\\nX: y"}}', "without blanks"),
        ('{"https://a.example": {"key": 1}}', "must be text"),
        ('{"https://a.example/v1": {"key": "hunter2"}}', "must end after the host"),
        ('{"https://hunter2@a.example": {}}', "Entry 1"),
    ],
)
def test_a_file_that_is_not_in_order_is_explained_without_its_contents(text: str, says: str, file: Path):
    file.write_text(text)
    with pytest.raises(LLMError, match=says) as error:
        key_for(Origin("https", "a.example", 443), file)
    assert str(file) in str(error.value)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))
