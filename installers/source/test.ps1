# Set up what is missing (once) and run every check: lint, types, tests. Arguments go to pytest.
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '../..')
. installers/source/setup.ps1

Initialize-Alcove requirements-dev.lock
if (-not $env:QT_QPA_PLATFORM) { $env:QT_QPA_PLATFORM = 'offscreen' }
foreach ($check in @(@('ruff', 'check', '.'), @('ruff', 'format', '--check', '.'), @('mypy'), (@('pytest') + $args))) {
    Say ($check -join ' ')
    & .venv/Scripts/python -m @check
    if ($LASTEXITCODE) { exit $LASTEXITCODE }
}
