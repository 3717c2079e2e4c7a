# Set up what is missing (once) and start Alcove. Arguments go to the app: installers\source\run.ps1 doctor
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '../..')
. installers/source/setup.ps1

Initialize-Alcove requirements.lock
& .venv/Scripts/python -m desktop @args
exit $LASTEXITCODE
