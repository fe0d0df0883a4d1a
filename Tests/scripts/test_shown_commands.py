"""What pages tell other programs is so: Helm renders it, Python has the files, and docker, kubectl and curl are told of services,
secrets, endpoints and the like that are there.

A command of another kind or form fails until it is written down here. Those of permafrost and of the scripts are
test_pages.py's and DocumentedCommandTests.swift's.
"""

import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from test_kubernetes import documents
from test_pages import PAGES, prose, shell_commands, shown, text_of
from tools import ROOT, helm_program, load_yaml, skip

from containers.compose import use_plugins

COMPOSE = ROOT / "docker/compose.yaml"
# Looked at below.
OTHERS = ("curl", "docker", "helm", "kubectl", "pip", "python", "python3")
# What every shell has, and the toolchain.
ORDINARY = ("base64", "cd", "chmod", "cp", "done", "echo", "export", "for", "head", "install", "mkdir", "mv", "swift")
# The commands that pages may show. A group is the kind of thing that it names.
DOCKER = (
    r"compose -f (?P<file>\S+)( --profile (?P<profile>\S+))? up --detach( --no-recreate)?( --scale (?P<service>\w+)=\d+)?",
    r"compose -f (?P<file>\S+) logs --follow (?P<service>.+)",
    r"cp permafrost-(?P<service>\w+)-\d+:(?P<target>\S+) \w+",
    r"build -f (?P<file>\S+) -t permafrost \.",
    r"run --rm --volume permafrost-models:(?P<target>\S+) (?P<image>\S+)",
    r"kill|stop",
)
KUBECTL = (
    r"apply --kustomize (?P<kustomization>\S+)",
    r"cp( \S+ (?P<statefulset>\S+)-\d+:\S+)?",
    r"create secret generic (?P<secret>\S+)( --from-file=\S+)+",
    r"delete job --selector (?P<label>\S+)",
    r"drain NODE",
    r"exec (?P<statefulset>\S+)-\d+",
    r"port-forward service/(?P<service>\S+) (?P<port>\d+)",
    r"rollout restart statefulset (?P<statefulset>\S+)",
    r"scale statefulset (?P<statefulset>\S+) --replicas=\d+",
)
CURL = (r"(-X (?P<method>POST) -H .+ )?http://127\.0\.0\.1:\d+(?P<path>/\S*)",)


def found(*programs):
    """The commands of these programs, or of all, in blocks, and in sentences those of others, with their places."""
    for page in PAGES:
        text = prose(page)
        named = [(text.count("\n", 0, span.start()) + 1, next(shell_commands(span[1].replace("\n", " "))))
                 for span in re.finditer(r"`((?:%s) [^`]+)`" % "|".join(OTHERS), text)]
        for line, words in [*shown(page), *named]:
            if not programs or Path(words[0]).name in programs:
                yield "%s:%d" % (page.relative_to(ROOT), line), words


class ShownCommandTests(unittest.TestCase):
    def test_no_kind_of_command_comes_unnoticed(self):
        for at, (name, *_) in found():
            with self.subTest(at=at, command=name):
                known = Path(name).name in ("permafrost", *OTHERS, *ORDINARY)
                self.assertTrue(known or os.access(ROOT / name, os.X_OK), "nothing is known here of such a command")

    def test_docker_and_compose_are_told_of_what_the_compose_file_and_scripts_images_have(self):
        services = load_yaml(COMPOSE.read_text())[0]["services"]
        mounts = re.findall(r"(?:target: |- \w+:)(/\w+)$", COMPOSE.read_text(), re.MULTILINE)
        self.assert_forms("docker", DOCKER, {
            "file": [str(path.relative_to(ROOT)) for path in (ROOT / "docker").iterdir()],
            "profile": {profile for service in services.values() for profile in service.get("profiles", [])},
            "service": set(services), "target": mounts,
            "image": re.findall(r"^build \w+ (\S+)$", text_of(ROOT / "scripts/images"), re.MULTILINE),
        })

    def test_compose_takes_the_file(self):
        if not shutil.which("docker"):
            skip("docker is not here")
        use_plugins()
        if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0:
            skip("docker compose is not here; scripts/images brings it")
        result = subprocess.run(["docker", "compose", "-f", COMPOSE, "config", "-q"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_kubectl_is_told_of_what_the_chart_makes_or_asks_for(self):
        made = documents()
        names = {kind: [each["metadata"]["name"] for each in made if each["kind"].lower() == kind]
                 for kind in ("service", "statefulset")}
        ports = [str(port["port"]) for each in made if each["kind"] == "Service" for port in each["spec"]["ports"]]
        bases = [str(path.parent.relative_to(ROOT)) for path in ROOT.glob("docker/**/kustomization.yaml")]
        labels = {"%s=%s" % label for each in made for label in each["metadata"].get("labels", {}).items()}
        # Also those of values that the page shows.
        secrets = re.findall(r'"secretName": "(.*?)"', json.dumps(made))
        secrets += re.findall(r"^ +\w+Secret: (\S+)$", text_of(ROOT / "docs/kubernetes.md"), re.MULTILINE)
        self.assert_forms("kubectl", KUBECTL, {
            **names, "port": ports, "kustomization": bases, "label": labels, "secret": secrets})

    def test_curl_asks_for_endpoints_that_are_documented(self):
        table = re.findall(r"^\| `(GET|POST) ([^?`]+)", text_of(ROOT / "docs/monitoring.md"), re.MULTILINE)
        self.assertGreater(len(table), 7)
        for at, words, match in self.matches("curl", CURL):
            method = match["method"] or "GET"
            paths = [path.replace("ID", r"[^/]+") for known, path in table if known == method]
            with self.subTest(at=at, command=" ".join(words)):
                self.assertTrue(any(re.fullmatch(path, match["path"]) for path in paths), "there is no such endpoint")

    def test_helm_renders_what_it_is_told_to_install(self):
        program = helm_program()
        for at, (_, verb, *words) in found("helm"):
            with self.subTest(at=at, command=" ".join(["helm", verb, *words])):
                self.assertIn(verb, ("install", "uninstall", "upgrade"))
                self.assertEqual(words[:1] or ["permafrost"], ["permafrost"])
                if words[1:]:
                    # Values of an earlier release are not here.
                    words = ["template", *(word for word in words if word != "--reset-then-reuse-values")]
                    result = subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True)
                    self.assertEqual(result.returncode, 0, result.stderr)

    def test_python_runs_what_is_there(self):
        for at, words in found("pip", "python", "python3"):
            with self.subTest(at=at, command=" ".join(words)):
                files = [ROOT / word for word in words[1:] if re.fullmatch(r"[\w./-]+\.(py|txt)", word)]
                if words[1] == "-c":
                    compile(words[2], at, "exec")
                elif words[1:3] != ["-m", "venv"]:
                    text = "".join(map(text_of, files[:1]))
                    self.assertTrue(text, "it is told of no file")
                    for flag in (word for word in words if word.startswith("--")):
                        self.assertIn('"%s"' % flag, text)

    def matches(self, program, forms):
        """Its commands, their places, and how they fit one of the forms."""
        for at, words in found(program):
            match = next(filter(None, (re.fullmatch(form, " ".join(words[1:])) for form in forms)), None)
            with self.subTest(at=at, command=" ".join(words)):
                self.assertTrue(match, "none of the forms above")
            if match:
                yield at, words, match

    def assert_forms(self, program, forms, things):
        for at, words, match in self.matches(program, forms):
            for kind, names in match.groupdict().items():
                for name in (names or "").split():
                    with self.subTest(at=at, command=" ".join(words)):
                        self.assertIn(name, things[kind], "there is no such %s" % kind)


if __name__ == "__main__":
    unittest.main()
