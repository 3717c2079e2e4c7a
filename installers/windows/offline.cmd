@echo off
rem Install Alcove and models for everybody, without a network and without a question. The MSI and a folder "models" lie beside this
rem file; the folder is what "alcove bundle install BUNDLE --home DIR" leaves in DIR\models. What follows the name goes to msiexec:
rem     offline.cmd DESKTOPSHORTCUT=1
rem Exit status: that of msiexec; 1 to 5 if the models could not be copied. Models of an earlier run stay, and are not copied again.
setlocal
pushd "%~dp0"
set "msi="
for %%f in (alcove-*-x64.msi) do set "msi=%%f"
if not defined msi (
    echo There is no alcove-VERSION-x64.msi beside %~nx0. 1>&2
    exit /b 2
)
start "" /wait msiexec /i %msi% /qn /norestart %*
set "result=%errorlevel%"
if not "%result%"=="0" if not "%result%"=="3010" exit /b %result%
xcopy models "%ProgramData%\alcove\models" /e /i /q /y /d
if errorlevel 1 exit /b %errorlevel%
exit /b %result%
