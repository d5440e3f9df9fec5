"""``saliency.ray.connect`` with addresses where no cluster answers; all servers are on this machine."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import saliency
from saliency.ray import cluster_address, connect

ray = pytest.importorskip("ray")
HTTP1 = b"HTTP/1.1 400 Bad Request"
HTTP2 = bytes(3) + b"\x04" + bytes(5)


@pytest.fixture(autouse=True)
def no_address_in_the_environment(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.fixture
def answering():
    """Return a function that starts a server, which sends some bytes to each client and then says nothing."""
    servers, connections = [], []

    def serve(server, answer):
        while True:
            try:
                connections.append(server.accept()[0])
                connections[-1].sendall(answer)
            except OSError:  # the test has ended, or the client has left
                if server.fileno() < 0:
                    return

    def start(answer):
        servers.append(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=serve, args=(servers[-1], answer), daemon=True).start()
        return f"127.0.0.1:{servers[-1].getsockname()[1]}"

    yield start
    for one in servers:
        one.shutdown(socket.SHUT_RDWR)
        one.close()
    for one in connections:
        one.close()


@pytest.fixture
def free():
    """The address of a port that nothing uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"", "timed out, within 1.5 seconds"), (HTTP2, "accepts connections, but did not answer within 1.5 seconds")],
)
def test_a_server_that_says_nothing_is_refused_within_the_time_limit(answer, reason, answering):
    address, start = answering(answer), time.monotonic()
    with pytest.raises(ConnectionError, match=rf"{address}'\): no Ray cluster answers there .*{reason}"):
        connect(address, timeout=1.5)
    assert 1.5 <= time.monotonic() - start < 10
    assert not ray.is_initialized()


def test_an_address_without_a_server_of_ray_is_refused_at_once(answering, free):
    for address, reason in ((free, "Connection refused"), (answering(HTTP1), "a server of another kind answers")):
        with pytest.raises(ConnectionError, match=rf"{address}'\): no Ray cluster answers there .{reason}.*; `ray status`"):
            connect(address, timeout=5)


@pytest.fixture
def grpc_server():
    """Return a function that starts a server of Ray's protocol, which refuses all calls with a status."""
    grpc = pytest.importorskip("grpc")

    class Refusing(grpc.ServerInterceptor):
        def __init__(self, status):
            self.status = status

        def intercept_service(self, following, call):
            status = getattr(grpc.StatusCode, self.status)
            return grpc.unary_unary_rpc_method_handler(lambda request, context: context.abort(status, "InvalidAuthToken"))

    started = []

    def start(status):
        interceptors = () if status == "UNIMPLEMENTED" else (Refusing(status),)
        started.append(grpc.server(ThreadPoolExecutor(1), interceptors=interceptors))
        address = f"127.0.0.1:{started[-1].add_insecure_port('127.0.0.1:0')}"
        started[-1].start()
        return address

    yield start
    for one in started:
        one.stop(None)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("UNIMPLEMENTED", "no Ray cluster answers there .a server of another kind answers."),
        ("UNAUTHENTICATED", "this Ray cluster requires its authentication token; set RAY_AUTH_MODE=token"),
    ],
)
def test_a_server_that_refuses_the_question_of_ray_is_named(status, message, grpc_server):
    address = grpc_server(status)
    with pytest.raises(ConnectionError, match=rf"{address}'\): {message}"):
        connect(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:x", ":6379", "127.0.0.1:99999", "ray://127.0.0.1:10001", "local"])
def test_an_address_must_be_a_host_with_a_port(address):
    with pytest.raises(saliency.InputError, match="must be 'auto' or host:port"):
        connect(address)


@pytest.mark.parametrize("option", ["gpus_per_worker", "cpus_per_worker"])
@pytest.mark.parametrize(("number", "rule"), [(1.5, "a whole number if it is above 1"), (-1, "a finite number, 0 or more")])
def test_resources_are_those_that_ray_can_assign(option, number, rule):
    with pytest.raises(saliency.InputError, match=rf"`{option}` \(={number}\) must be {rule}"):
        connect(**{option: number})


@pytest.mark.parametrize("address", [None, "auto"])
def test_the_address_of_the_environment_is_checked(address, free, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", free)
    with pytest.raises(ConnectionError, match=rf"RAY_ADDRESS \(='{free}'\): no Ray cluster answers there"):
        connect(address)
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:8265")
    with pytest.raises(
        saliency.InputError, match="RAY_ADDRESS .* run on a machine of the cluster, such as by `ray job submit`"
    ):
        connect(address)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, r"`address` \(='auto'\): no Ray cluster runs on this machine; start one with `ray start --head`"),
        ("free", r"\(='auto'\), which is .* on this machine: no Ray cluster answers there .*; if it has ended, `ray stop`"),
    ],
)
def test_the_cluster_of_this_machine_is_checked(found, message, free, monkeypatch):
    from ray._private import services

    monkeypatch.setattr(services, "find_gcs_addresses", set)
    monkeypatch.setattr(services, "find_bootstrap_address", lambda folder: found and free)
    with pytest.raises(ConnectionError, match=message):
        connect("auto")


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (
            "No node info found matching attributes: ''",
            "this machine is not part of the Ray cluster; run on one of its machines",
        ),
        ("Failed to connect\nto GCS", "no Ray cluster answers there .RuntimeError: Failed to connect.;"),
    ],
)
def test_a_cluster_that_ray_cannot_use_is_one_error(cause, message, monkeypatch):
    def fail(**_):
        raise ConnectionError("Failed to connect to Ray cluster at 127.0.0.1") from RuntimeError(cause)

    monkeypatch.setattr(ray, "init", fail)
    monkeypatch.setattr(cluster_address.ClusterAddress, "check", lambda *_: None)
    with pytest.raises(ConnectionError, match=message):
        connect("127.0.0.1:6379")
